"""A whole virtual subject: bones placed in the CT's world and put on fine grids that fit it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.config.virtual.cohort import VirtualConfig
from bmdpipe.core.labels import SIDES, femur_body
from bmdpipe.core.volume import Triple, Volume
from bmdpipe.projection.body import Body
from bmdpipe.virtual.demographics import Person, draw_person, stream
from bmdpipe.virtual.hip.femur import Bone, Femur, build_femur
from bmdpipe.virtual.hip.femur_traits import draw_femora
from bmdpipe.virtual.hip.mineral import draw_mineral
from bmdpipe.virtual.hip.pelvis import CORNERS, build_pelvis, crest_top_mm, hip_centres
from bmdpipe.virtual.hip.pelvis_traits import draw_pelvis
from bmdpipe.virtual.hip.soft_tissue import BonyFrame, SoftTissue, Thigh, draw_soft_tissue
from bmdpipe.virtual.shape.voxelise import voxelise

TEXTURE = (0.22, 2.2)
"""Relative amplitude and grain (mm) of the trabecular texture."""


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


@dataclass(frozen=True)
class Anatomy:
    """Everything that is true of a subject. `bodies` are keyed pelvis, femur_r, femur_l."""

    person: Person
    femora: dict[str, Femur]
    hip_centres: dict[str, NDArray[np.float64]]
    soft: SoftTissue
    grid: CtGrid
    bodies: dict[str, FineBody]
    implants: tuple[Any, ...] = ()

    def thigh(self, side: str) -> Thigh:
        """The thigh around a femur as it lies in the CT."""
        femur = self.femora[side]
        return Thigh(self.hip_centres[side] + np.array([0.0, 8.0, -22.0]), femur.shaft_direction)


def build_anatomy(config: VirtualConfig, number: int) -> Anatomy:
    """The subject of a number; nothing of another subject plays in."""
    seed = config.seed
    person = draw_person(config.demographics, seed, number)
    mineral = draw_mineral(config.density, person, seed)
    femur_traits = draw_femora(person, seed)
    pelvis_traits = draw_pelvis(person, seed, tuple(CORNERS))
    centres = hip_centres(pelvis_traits)
    femora = {s: build_femur(femur_traits[s], mineral, s, centres[s]) for s in SIDES}
    radii = {s: femur_traits[s].head_radius_mm for s in SIDES}
    hips, sacrum = build_pelvis(pelvis_traits, mineral, radii)
    soft = draw_soft_tissue(person, seed, _frame(femora, centres, [hips, sacrum]))
    grid = _ct_grid(config, number, femora, crest_top_mm(pelvis_traits), soft)
    compact = mineral.compact_mg_cm3
    offset = float(stream(seed, number, "texture").uniform(0, 1000))
    bodies = {"pelvis": _on_grid(config, grid, [hips, sacrum], compact, offset, -400.0)}
    for side in SIDES:
        lowest = centres[side][2] - 235.0
        bodies[femur_body(side)] = _on_grid(
            config, grid, [femora[side].bone], compact, offset, lowest
        )
    return Anatomy(person, femora, centres, soft, grid, bodies)


def _frame(
    femora: dict[str, Femur], centres: dict[str, NDArray[np.float64]], pelvis: list[Bone]
) -> BonyFrame:
    low, high = _box(pelvis)
    boxes = {side: _box([femora[side].bone]) for side in SIDES}
    widest = {side: float(np.abs([b[0] for b in boxes[side]]).max()) for side in SIDES}
    return BonyFrame(
        trochanter_mm=max(widest.values()),
        crest_mm=float(max(-low[0], high[0])),
        trochanter_offset_mm=max(widest[s] - abs(float(centres[s][0])) for s in SIDES),
        front_mm=float(low[1]),
        back_mm=float(high[1]),
    )


def _ct_grid(
    config: VirtualConfig,
    number: int,
    femora: dict[str, Femur],
    crest_mm: float,
    soft: SoftTissue,
) -> CtGrid:
    ct = config.ct
    rng = stream(config.seed, number, "ct grid")
    lowest = min(f.lesser_trochanter_mm[2] for f in femora.values()) - ct.below_lesser_trochanter_mm
    highest = crest_mm + ct.above_crest_mm
    slices = int(np.ceil((highest - lowest) / ct.slice_mm)) + 1
    side = ct.matrix * ct.pixel_mm
    middle_y = soft.centre_y_mm + 18.0
    x, y = np.array([0.0, middle_y]) + rng.uniform(-5, 5, 2) - 0.5 * side + 0.5 * ct.pixel_mm
    return CtGrid(
        size=(ct.matrix, ct.matrix, slices),
        spacing_mm=(ct.pixel_mm, ct.pixel_mm, ct.slice_mm),
        origin_mm=(round(float(x), 3), round(float(y), 3), round(float(lowest), 3)),
    )


def _on_grid(
    config: VirtualConfig,
    grid: CtGrid,
    bones: list[Bone],
    compact: float,
    offset: float,
    lowest_mm: float,
) -> FineBody:
    spacing = np.array(grid.spacing_mm)
    divide = np.maximum(np.ceil(spacing / config.grid_mm - 1e-6), 1).astype(int)
    fine = spacing / divide
    low, high = _box(bones)
    low[2] = max(low[2], lowest_mm)
    first = np.floor((low - grid.origin_mm) / spacing).astype(int)
    last = np.ceil((high - grid.origin_mm) / spacing).astype(int)
    shape = ((last - first + 1) * divide)[::-1]
    origin = np.array(grid.origin_mm) + (first - 0.5) * spacing + 0.5 * fine
    fraction = np.zeros(shape, np.float32)
    density = np.zeros(shape, np.float32)
    for bone in bones:
        voxelise(
            bone.solids, bone.cuts, bone.struts, compact, origin, fine,
            np.array([*TEXTURE, offset]), fraction, density,
        )  # fmt: skip
    volume = Volume(density, _triple(fine), _triple(origin), "mg/cm3")
    return FineBody(fraction, volume, _ints(first), _ints(divide))


def _box(bones: list[Bone]) -> tuple[NDArray, NDArray]:
    """A box around all primitives."""
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    for bone in bones:
        rows = bone.solids
        cups_and_discs = rows[:, 15] >= 2
        reach = rows[:, 9:12].max(axis=1, keepdims=True) + 3.0
        for start, valid in ((0, rows[:, 15] >= 0), (3, ~cups_and_discs), (6, rows[:, 15] == 1)):
            points, r = rows[valid, start : start + 3], reach[valid]
            low = np.minimum(low, (points - r).min(axis=0, initial=np.inf))
            high = np.maximum(high, (points + r).max(axis=0, initial=-np.inf))
    return low, high


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
