"""Lungs, airways, muscle, fat, breasts and the stomach's gas on voxels, compiled."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.config.virtual.chest import ChestConfig
from bmdpipe.core.volume import Volume
from bmdpipe.virtual.chest.thorax import (
    DOME_MM,
    diaphragm,
    lung_within,
    mediastinum,
    squircle_distance,
    wall,
)
from bmdpipe.virtual.chest.traits import Build
from bmdpipe.virtual.shape.noise import value_noise
from bmdpipe.virtual.shape.primitives import bone_distance, cone, smooth_max, smooth_min
from bmdpipe.virtual.xray.materials import MUSCLE

REACH_MM, LOWER_MM = (215.0, 160.0, 257.0), 26.0
"""The voxels reach this far about a point so much below the carina, in the subject's frame."""


@dataclass(frozen=True)
class SoftTissue:
    """Volume fractions of lean tissue, of fat and of lung; lung counts as lean, too, thinly."""

    lean: Volume
    fat: Volume
    lung: Volume


def build_soft_tissue(config: ChestConfig, build: Build) -> SoftTissue:
    """The soft tissue of a build on cubes of `soft_grid_mm`."""
    step = config.soft_grid_mm
    nx, ny, nz = (int(2 * r / step) for r in REACH_MM)
    shape = (nz, ny, nx)
    lean, fat, lung = (np.zeros(shape, np.float32) for _ in range(3))
    origin = (-REACH_MM[0], -REACH_MM[1], -REACH_MM[2] - LOWER_MM)
    middle, heart = mediastinum(build)
    _fill(
        _body(build), _outside(), _airways(), middle, heart,
        np.array(origin), step, np.array(build.stretch), lean, fat, lung,
    )  # fmt: skip
    spacing = (step, step, step)
    return SoftTissue(
        lean=Volume(lean, spacing, origin, "fraction"),
        fat=Volume(fat, spacing, origin, "fraction"),
        lung=Volume(lung, spacing, origin, "fraction"),
    )


def _body(build: Build) -> NDArray[np.float64]:
    return np.array(
        [
            build.fat_mm,
            build.muscle_mm,
            build.breast_mm,
            build.breast_low_mm,
            build.glandular,
            build.inspiration_mm,
            build.dome_step_mm,
            build.bubble_mm,
            build.lung_g_cm3 / MUSCLE.density,
            build.offset,
        ]
    )


def _outside() -> NDArray[np.float64]:
    """Neck, shoulders and arms, which are abducted and turned inwards."""
    rows = [
        cone([0, 18, 92], [0, 2, 250], 58, 54, 34, 0, 0),
        cone([0, 14, 158], [0, -10, 250], 50, 58, 20, 0, 0),
        cone([-40, 34, 150], [40, 34, 150], 24, 24, 30, 0, 0),
    ]
    for side in (-1.0, 1.0):
        rows.append(cone([side * 34, 34, 150], [side * 166, 28, 84], 36, 46, 26, 0, 0))
        rows.append(cone([side * 60, 26, 84], [side * 176, 22, 62], 58, 64, 26, 0, 0))
        rows.append(cone([side * 176, 22, 62], [side * 238, -14, -190], 64, 46, 20, 0, 0))
    return np.array(rows)


def _airways() -> NDArray[np.float64]:
    """Trachea and the main bronchi."""
    return np.array(
        [
            cone([1, -14, 190], [0, -2, 90], 8.5, 8.5, 1, 0, 0),
            cone([0, -2, 90], [-2, 10, 6], 8.5, 8.0, 1, 0, 0),
            cone([-2, 10, 6], [-30, 10, -20], 7.0, 5.5, 2, 0, 0),
            cone([-30, 10, -20], [-46, 12, -52], 4.6, 3.6, 2, 0, 0),
            cone([-2, 10, 6], [38, 14, -20], 6.4, 5.0, 2, 0, 0),
            cone([38, 14, -20], [50, 18, -50], 4.4, 3.4, 2, 0, 0),
        ]
    )


@numba.njit(fastmath=True, cache=True, inline="always")
def _skin_of(x, y, z, half, front, back, outside):  # pragma: no cover - compiled
    torso = squircle_distance(x, y - 0.5 * (front + back), half, 0.5 * (back - front))
    torso = smooth_max(torso, z - 108.0, 24.0)
    if torso < -60.0 or (z < -40.0 and abs(x) < 120.0):
        return torso
    away = bone_distance(outside, outside[:0], x, y, z)
    return smooth_min(torso, away, 34.0)


@numba.njit(parallel=True, fastmath=True, cache=True)
def _fill(
    body, outside, airways, middle, heart, origin, step, stretch, lean, fat, lung
):  # pragma: no cover - compiled
    """In the mean chest's frame; distances are taken back to the subject's by the mean factor."""
    nz, ny, nx = lean.shape
    mean = (stretch[0] + stretch[1] + stretch[2]) / 3.0
    edge = step / mean
    left_dome = DOME_MM - body[5] - body[6]
    for k in numba.prange(nz):
        z = (origin[2] + k * step) / stretch[2]
        half, front, back = wall(min(z, 88.0), 24.0)
        half += 15.0 + body[1] + body[0]
        front -= 13.0 + 0.5 * body[1] + 0.8 * body[0]
        back += 14.0 + 1.2 * body[1] + 0.8 * body[0]
        inner, before, behind = wall(z, 0.0)
        for j in range(ny):
            y = (origin[1] + j * step) / stretch[1]
            for i in range(nx):
                x = (origin[0] + i * step) / stretch[0]
                skin = _skin_of(x, y, z, half, front, back, outside)
                if body[2] > 0.0 and y < front + 40.0:
                    rise = z - body[3]
                    bx, bz = (abs(x) - 80.0) / 52.0, rise / (100.0 if rise > 0.0 else 50.0)
                    by = (y - front - 10.0) / (0.75 * body[2] + 10.0)
                    q = np.sqrt(bx * bx + by * by + bz * bz)
                    breast = (q - 1.0) * (0.75 * body[2] + 10.0)
                    skin = smooth_min(skin, breast, 12.0)
                inside = min(max(0.5 - skin / edge, 0.0), 1.0)
                if inside <= 0.0:
                    continue
                layer = body[0]
                if body[2] > 0.0 and y < front + 4.0:
                    layer += body[2]
                muscle = min(max(0.5 - (skin + layer) / (edge + 2.0), 0.0), 1.0)
                if muscle < 1.0 and layer > body[0]:
                    noise = value_noise(x / 7.0 + body[9], y / 7.0, z / 7.0)
                    muscle = max(muscle, body[4] * min(max(0.5 + 1.2 * noise, 0.0), 1.0))
                away = 50.0
                if skin < -6.0:
                    away = lung_within(
                        x, y, z, inner, before, behind, middle, heart, body[5], body[6]
                    )
                air = min(max(0.5 - away / edge, 0.0), 1.0)
                if away > 6.0 and muscle > 0.0:
                    noise = value_noise(x / 17.0 + body[9], y / 17.0, z / 30.0)
                    muscle *= 1.0 - 0.5 * min(max(2.0 * abs(noise) - 0.5, 0.0), 1.0)
                thin = 0.0
                if air > 0.0:
                    noise = value_noise(x / 24.0, y / 24.0 + body[9], z / 24.0)
                    thin = body[8] * (1.0 - 0.0011 * (z + 30.0)) * (1.0 + 0.08 * noise)
                if abs(x) < 60.0 and z > -70.0:
                    tube = bone_distance(airways, airways[:0], x, y, z)
                    inside *= min(max(0.5 + tube / edge, 0.0), 1.0)
                if x > 5.0 and away > 0.0 and left_dome - 90.0 < z < left_dome:
                    r = body[7]
                    bottom = left_dome - 12.0 - 1.15 * r
                    gx, gy, gz = (x - 62.0) / (1.5 * r), (y + 22.0) / (1.2 * r), (z - bottom) / r
                    noise = value_noise(x / 16.0, y / 16.0 + body[9], z / 16.0)
                    q = np.sqrt(gx * gx + gy * gy + gz * gz) - 1.0 + 0.12 * noise
                    gas = max(q * r, bottom + 0.1 * r - z)
                    gas = smooth_max(gas, z - diaphragm(x, y, body[5], body[6]) + 6.0, 6.0)
                    inside *= min(max(0.5 + gas / edge, 0.0), 1.0)
                lung[k, j, i] = air * inside
                lean[k, j, i] = inside * ((1.0 - air) * muscle + air * thin)
                fat[k, j, i] = inside * (1.0 - air) * (1.0 - muscle)
