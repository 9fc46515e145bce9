"""Bones and implants on fine voxels that divide those of the CT."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numba
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


def on_ct(body: FineBody, field: NDArray[np.float32], grid: CtGrid) -> NDArray[np.float32]:
    """A fine field averaged over the CT's voxels, `[z, y, x]` of the whole CT."""
    result = np.zeros(grid.size[::-1], np.float32)
    _block_mean(field, np.array(body.first), np.array(body.divide), result)
    return result


@numba.njit(parallel=True, cache=True)
def _block_mean(field, first, divide, result):  # pragma: no cover - compiled
    nz, ny, nx = result.shape
    dx, dy, dz = divide
    scale = np.float32(1.0 / (dx * dy * dz))
    for k in numba.prange(field.shape[0] // dz):
        zi = k + first[2]
        if zi < 0 or zi >= nz:
            continue
        for j in range(field.shape[1] // dy):
            yi = j + first[1]
            if yi < 0 or yi >= ny:
                continue
            for i in range(field.shape[2] // dx):
                xi = i + first[0]
                if xi < 0 or xi >= nx:
                    continue
                total = np.float32(0.0)
                for c in range(dz):
                    for b in range(dy):
                        for a in range(dx):
                            total += field[k * dz + c, j * dy + b, i * dx + a]
                result[zi, yi, xi] = total * scale
