"""Bones and implants on fine voxels that divide those of the CT."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.volume import Triple, Volume
from bmdpipe.projection.body import Body
from bmdpipe.virtual.shape.bone import Bone
from bmdpipe.virtual.shape.voxelise import voxelise

TABLE_TEXTURE = (0.22, 2.2)
"""Relative amplitude and grain (mm) of the texture of bones whose material is in their tables."""


@dataclass(frozen=True)
class CtGrid:
    """The CT's voxels: canonical axes; `origin_mm` is the centre of voxel (0, 0, 0)."""

    size: tuple[int, int, int]
    spacing_mm: Triple
    origin_mm: Triple

    def volume(self, array: NDArray, unit: str) -> Volume:
        return Volume(array, self.spacing_mm, self.origin_mm, unit)


@dataclass(frozen=True)
class FineBody:
    """A body's share of bone and its mineral (mg/cm3) on voxels that divide those of the CT.

    `first` is the CT index (x, y, z; may be negative) of the box's corner, `divide` the number of
    fine voxels per CT voxel along x, y, z.
    """

    fraction: NDArray[np.float32]
    density: Volume
    first: tuple[int, int, int]
    divide: tuple[int, int, int]

    @cached_property
    def body(self) -> Body:
        return Body.from_volume(self.density)


def on_grid(
    bones: Sequence[Bone],
    grid: CtGrid,
    voxel_mm: float,
    compact_mg_cm3: float,
    offset: float,
    lowest_mm: float = -np.inf,
    parts: int = 2,
) -> FineBody:
    """Bones that belong together; voxels of at most `voxel_mm`, nothing below `lowest_mm`.

    `offset` shifts the texture's noise; each voxel is the mean of `parts` in each direction,
    of which 2 keep volume and mass to 0.1 % and 1 is fast.
    """
    spacing = np.array(grid.spacing_mm)
    divide = np.maximum(np.ceil(spacing / voxel_mm - 1e-6), 1).astype(int)
    fine = spacing / divide
    low, high = box(bones)
    low[2] = max(low[2], lowest_mm)
    first = np.floor((low - grid.origin_mm) / spacing).astype(int)
    last = np.ceil((high - grid.origin_mm) / spacing).astype(int)
    shape = ((last - first + 1) * divide)[::-1]
    origin = np.array(grid.origin_mm) + (first - 0.5) * spacing + 0.5 * fine
    fraction = np.zeros(shape, np.float32)
    density = np.zeros(shape, np.float32)
    for bone in bones:
        voxelise(
            bone, compact_mg_cm3, (*TABLE_TEXTURE, offset), origin, fine, parts, fraction, density
        )
    volume = Volume(density, _triple(fine), _triple(origin), "mg/cm3")
    return FineBody(fraction, volume, _ints(first), _ints(divide))


def box(bones: Sequence[Bone]) -> tuple[NDArray, NDArray]:
    """A box around all primitives: its low and its high corner, LPS mm."""
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    for bone in bones:
        rows = bone.solids
        cups_and_discs = rows[:, 15] >= 2
        reach = rows[:, 9:12].max(axis=1, keepdims=True) + 3.0
        pieces = [
            (rows[valid, start : start + 3], reach[valid])
            for start, valid in (
                (0, rows[:, 15] >= 0),
                (3, ~cups_and_discs),
                (6, rows[:, 15] == 1),
            )
        ]
        for points, r in [*pieces, *_sweep_points(bone)]:
            low = np.minimum(low, (points - r).min(axis=0, initial=np.inf))
            high = np.maximum(high, (points + r).max(axis=0, initial=-np.inf))
    return low, high


def _sweep_points(bone: Bone) -> list[tuple[NDArray, NDArray]]:
    """Points along each sweep with the reach about them, mm."""
    result = []
    for frame in bone.sweeps.frames:
        count, row = int(frame[14]), int(frame[16])
        profile = bone.sweeps.profiles[row : row + max(count, 1)]
        if count == 0:
            result.append((frame[None, :3], profile.max(axis=1, keepdims=True) + 3.0))
            continue
        along = frame[12] + frame[13] * np.arange(count)
        points = frame[:3] + along[:, None] * frame[3:6]
        points = points + profile[:, :1] * frame[6:9] + profile[:, 1:2] * frame[9:12]
        result.append((points, profile[:, 2:].max(axis=1, keepdims=True) + 3.0))
    return result


def _triple(values: NDArray) -> Triple:
    return float(values[0]), float(values[1]), float(values[2])


def _ints(values: NDArray) -> tuple[int, int, int]:
    return int(values[0]), int(values[1]), int(values[2])


def coarser(body: FineBody, divide: tuple[int, int, int]) -> NDArray[np.float32]:
    """A body's share on voxels of which `divide` make one of the CT's."""
    ratio = np.array(body.divide) // divide
    if (ratio * divide != body.divide).any():
        raise ValueError(f"voxels divided by {body.divide} do not divide those by {divide}")
    (x, y, z), (nz, ny, nx) = ratio, body.fraction.shape
    blocks = body.fraction.reshape(nz // z, z, ny // y, y, nx // x, x)
    return np.asarray(blocks.mean(axis=(1, 3, 5)))
