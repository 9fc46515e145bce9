"""Skin, fat, muscle and bowel gas around the bones, as volume fractions on any grid.

The thighs follow the femora of a positioning. The bones are not left out: what they displace is
taken away where images are formed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.volume import Triple
from bmdpipe.virtual.demographics import Person, stream
from bmdpipe.virtual.shape.noise import value_noise
from bmdpipe.virtual.shape.primitives import smooth_max, smooth_min


@dataclass(frozen=True)
class SoftTissue:
    """Half widths of the trunk, fat thickness and thigh radii, mm; `gas` rows are balls x y z r."""

    half_width_mm: float
    half_depth_mm: float
    centre_y_mm: float
    back_mm: float
    fat_mm: float
    thigh_mm: tuple[float, float]
    streak: float
    noise_offset: float
    gas: NDArray[np.float64]


@dataclass(frozen=True)
class Thigh:
    """Where a thigh starts and the unit vector down its length."""

    start_mm: NDArray[np.float64]
    direction: NDArray[np.float64]


@dataclass(frozen=True)
class BonyFrame:
    """What the bones reach, mm: the widest trochanter and iliac crest from the midline, the
    trochanter from its hip joint, the foremost and rearmost bone."""

    trochanter_mm: float
    crest_mm: float
    trochanter_offset_mm: float
    front_mm: float
    back_mm: float


def draw_soft_tissue(person: Person, seed: int, frame: BonyFrame) -> SoftTissue:
    """A body outline from BMI and sex, with spread; the skin always clears the bones."""
    rng = stream(seed, person.number, "soft")
    z = rng.standard_normal(6)
    heavier = person.bmi - 23.5
    male = person.sex == "M"
    fat = float(np.clip((14.0 if male else 22.0) + 1.9 * heavier + 3.0 * z[0], 6.0, 50.0))
    width = max(frame.trochanter_mm + 11.0 + 0.75 * fat + 2.0 * z[1], 1.08 * frame.crest_mm + 12.0)
    front = frame.front_mm - 14.0 - 0.75 * fat - max(0.8 * heavier + 4.0 * z[2], -8.0)
    back = frame.back_mm + 9.0 + 0.35 * fat + abs(2.0 * z[3])
    depth = 0.5 * (back + 12.0 - front)
    centre = 0.5 * (back + 12.0 + front)
    thigh = max(64.0 + 0.65 * fat + 2.5 * z[4], frame.trochanter_offset_mm + 14.0, 0.82 * depth)
    count = int(rng.integers(3, 9))
    gas = np.column_stack(
        [
            rng.uniform(-75, 75, count),
            rng.uniform(-45, 0, count),
            rng.uniform(25, 140, count),
            rng.uniform(6, 17, count),
        ]
    )
    return SoftTissue(
        half_width_mm=float(width),
        half_depth_mm=float(depth),
        centre_y_mm=float(centre),
        back_mm=float(back),
        fat_mm=fat,
        thigh_mm=(float(thigh), 0.84 * float(thigh)),
        streak=float(rng.uniform(0.3, 0.7)),
        noise_offset=float(rng.uniform(0, 1000)),
        gas=gas,
    )


def tissue_fractions(
    soft: SoftTissue,
    thighs: Mapping[str, Thigh],
    origin_mm: Triple,
    spacing_mm: Triple,
    size: tuple[int, int, int],
    lying: bool,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Volume fractions of lean tissue and of fat, `[z, y, x]`; the rest is air or gas.

    `lying` flattens the back on a table.
    """
    shape = size[::-1]
    lean, fat = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    legs = np.array([[*thighs[s].start_mm, *thighs[s].direction] for s in ("R", "L")])
    body = np.array(
        [
            soft.half_width_mm,
            soft.half_depth_mm,
            soft.centre_y_mm,
            soft.back_mm if lying else 1e3,
            soft.fat_mm,
            *soft.thigh_mm,
            soft.streak,
            soft.noise_offset,
        ]
    )
    _fill(body, legs, soft.gas, np.array(origin_mm), np.array(spacing_mm), lean, fat)
    return lean, fat


@numba.njit(fastmath=True, cache=True, inline="always")
def _leg(leg, top, bottom, x, y, z):  # pragma: no cover - compiled
    px, py, pz = x - leg[0], y - leg[1], z - leg[2]
    along = min(max(px * leg[3] + py * leg[4] + pz * leg[5], 0.0), 320.0)
    dx, dy, dz = px - along * leg[3], py - along * leg[4], pz - along * leg[5]
    return np.sqrt(dx * dx + dy * dy + dz * dz) - (top + (bottom - top) * along / 320.0)


@numba.njit(parallel=True, fastmath=True, cache=True)
def _fill(body, legs, gas, origin, spacing, lean, fat):  # pragma: no cover - compiled
    nz, ny, nx = lean.shape
    edge = spacing[0]
    for k in numba.prange(nz):
        z = origin[2] + k * spacing[2]
        waist = min(max((z - 5.0) / 130.0, 0.0), 1.3)
        # The buttocks round off into the thighs below the hip joints.
        end = np.sqrt(max(1.0 - (min(z + 12.0, 0.0) / 92.0) ** 2, 0.04))
        half = body[0] * (1.0 - 0.13 * waist * waist) * (0.3 + 0.7 * end)
        depth = body[1] * (1.0 - 0.05 * waist) * (0.2 + 0.8 * end)
        for j in range(ny):
            y = origin[1] + j * spacing[1]
            v = y - body[2]
            for i in range(nx):
                x = origin[0] + i * spacing[0]
                k0 = np.sqrt((x / half) ** 2 + (v / depth) ** 2)
                k1 = np.sqrt((x / half**2) ** 2 + (v / depth**2) ** 2) + 1e-9
                trunk = smooth_max(k0 * (k0 - 1.0) / k1, -(z + 92.0), 20.0)
                leg = _leg(legs[0], body[5], body[6], x, y, z)
                leg = min(leg, _leg(legs[1], body[5], body[6], x, y, z))
                skin = smooth_min(trunk, leg, 16.0)
                skin = smooth_max(skin, y - body[3], 14.0)
                inside = min(max(0.5 - skin / edge, 0.0), 1.0)
                if inside <= 0.0:
                    continue
                behind = min(max(v / body[1], -1.0), 1.0)
                sideways = min(abs(x) / body[0], 1.0)
                layer = body[4] * (0.65 + 0.25 * behind + 0.35 * sideways)
                if skin < -layer - edge:
                    muscle = 1.0
                else:
                    muscle = min(max(0.5 - (skin + layer) / edge, 0.0), 1.0)
                if muscle > 0.0:
                    # Septa of fat run where a smooth noise passes zero, along the limb.
                    noise = value_noise(x / 27.0 + body[8], y / 27.0, z / 80.0)
                    septum = max(1.0 - 14.0 * abs(noise), 0.0)
                    noise = value_noise(x / 9.0, y / 9.0 + body[8], z / 22.0)
                    island = min(max(2.5 * (noise - 0.35), 0.0), 1.0)
                    muscle *= 1.0 - body[7] * min(septum + island, 1.0)
                if trunk < -layer - 10.0 and z > 0.0:
                    for q in range(len(gas)):
                        dx, dy, dz = x - gas[q, 0], y - gas[q, 1], z - gas[q, 2]
                        r = np.sqrt(dx * dx + dy * dy + dz * dz)
                        r += 4.0 * value_noise(x / 11.0, y / 11.0, z / 11.0)
                        inside *= min(max(0.5 + (r - gas[q, 3]) / edge, 0.0), 1.0)
                lean[k, j, i] = inside * muscle
                fat[k, j, i] = inside * (1.0 - muscle)
