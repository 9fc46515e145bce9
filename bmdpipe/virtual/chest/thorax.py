"""The inside of the mean chest as functions of the place, compiled: wall, diaphragm, mediastinum.

All in the mean chest's frame (see `traits`). Proportions after what a PA radiograph of an adult at
full inspiration shows: the right dome at the tenth posterior rib, the apex at the first, internal
width about 27 cm, heart below half of it (recalled, unverified).
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from bmdpipe.virtual.chest.traits import Build
from bmdpipe.virtual.shape.primitives import Table, bone_distance, cone, smooth_max

APEX_MM, WIDE_MM, DOME_MM = 102.0, 134.0, -128.0
FULLNESS = 0.354
LEVELS_MM = np.array(
    [92.0, 72.5, 52.5, 32.0, 11.0, -10.5, -32.5, -55.0, -78.5, -103.0, -129.0, -156.0]
)
"""Height of the middle of the vertebrae T1 to T12."""


@numba.njit(cache=True)
def spine_y(z):  # pragma: no cover - compiled
    """The middle of the vertebral bodies: a kyphosis with its summit at T7."""
    return 42.0 - 0.0015 * (z + 30.0) ** 2 if z > -30.0 else 42.0 - 0.0011 * (z + 30.0) ** 2


@numba.njit(cache=True)
def wall(z, lift):  # pragma: no cover - compiled
    """Half width, front and back of the pleural cavity at a height; `lift` raises its apex."""
    t = min(max((APEX_MM + lift - z) / 165.0, 0.0), 1.0)
    dome = max(1.0 - (1.0 - t) ** 2.2, 0.0)
    half = WIDE_MM * dome**0.62 - 0.0009 * min(z + 70.0, 0.0) ** 2
    front = 8.0 - 112.0 * dome**0.75
    back = spine_y(z) - 12.0 + 38.0 * dome**0.45
    return half, front, back


@numba.njit(cache=True)
def diaphragm(x, y, inspiration, step):  # pragma: no cover - compiled
    """Height of the diaphragm: two domes, deep recesses at the back and the sides."""
    top = DOME_MM - inspiration - step / (1.0 + np.exp(-x / 9.0))
    u = (abs(x) - 58.0) / 76.0
    v = (y + 25.0) / 85.0
    low = 52.0 * max(u, 0.0) ** 2 + 5.0 * min(u, 0.0) ** 2
    low += 66.0 * v * v if v > 0 else 24.0 * v * v
    return top - low


@numba.njit(fastmath=True, cache=True, inline="always")
def squircle_distance(x, v, half, deep):  # pragma: no cover - compiled
    """About the distance to an oval that is fuller than an ellipse, where ribs turn round."""
    p, q = (x / half) ** 2, (v / deep) ** 2
    k0 = np.sqrt(max(p + q - FULLNESS * p * q, 0.0)) if p + q < 2.0 else np.sqrt(0.8 * (p + q))
    k1 = np.sqrt(p / half**2 + q / deep**2) + 1e-9
    return k0 * (k0 - 1.0) / k1


@numba.njit(fastmath=True, cache=True)
def lung_distance(x, y, z, middle, heart, inspiration, step):  # pragma: no cover - compiled
    """`lung_within` of the wall at this height."""
    half, front, back = wall(z, 0.0)
    return lung_within(x, y, z, half, front, back, middle, heart, inspiration, step)


@numba.njit(fastmath=True, cache=True)
def lung_within(
    x, y, z, half, front, back, middle, heart, inspiration, step
):  # pragma: no cover - compiled
    """Signed distance to the lungs' surface, mm, negative inside; good near the surface.

    `middle` is the table of the mediastinum's primitives, `heart` the ellipsoid's three radii,
    centre and turn.
    """
    if half < 2.0:
        return 50.0
    cy, deep = 0.5 * (front + back), 0.5 * (back - front)
    v = y - cy
    away = squircle_distance(x, v, half, deep)
    if away > 12.0:
        return away
    if z < -90.0:
        away = smooth_max(away, diaphragm(x, y, inspiration, step) - z, 5.0)
    if away > 12.0 or abs(x) > 110.0 or (z > -20.0 and abs(x) > 68.0):
        return away
    return smooth_max(away, -mediastinum_distance(x, y, z, middle, heart), 4.0)


@numba.njit(fastmath=True, cache=True)
def mediastinum_distance(x, y, z, middle, heart):  # pragma: no cover - compiled
    """Signed distance of heart, great vessels, spine and what lies between them, mm."""
    if abs(x) > 125.0:
        return 60.0
    px, py, pz = x - heart[3], y - heart[4], z - heart[5]
    c, s = heart[6], heart[7]
    u, w = c * px - s * pz, s * px + c * pz
    k0 = np.sqrt((u / heart[0]) ** 2 + (py / heart[1]) ** 2 + (w / heart[2]) ** 2)
    k1 = np.sqrt((u / heart[0] ** 2) ** 2 + (py / heart[1] ** 2) ** 2 + (w / heart[2] ** 2) ** 2)
    away = k0 * (k0 - 1.0) / (k1 + 1e-9)
    if x < -68.0 or (x > 64.0 and z > -60.0):
        return away
    nothing = middle[:0]
    return min(away, bone_distance(middle, nothing, x, y, z))


def mediastinum(build: Build) -> tuple[Table, NDArray[np.float64]]:
    """Great vessels, hila and the tissue along the spine; the heart's ellipsoid."""
    a, h = build.aorta, build.heart
    rows = []

    def tube(start, end, first, last, blend=7.0):
        rows.append(cone(start, end, first, last, blend, 0, 0))

    knob = 20.0 + 7.0 * (a - 1.0) / 0.2
    tube((0, -30, -20), (-2, -36, 30), 18 * a, 15 * a)
    tube((-2, -36, 30), (knob, 4, 34), 14.5 * a, 14 * a)
    tube((knob, 4, 34), (knob + 1, 26, 16), 14 * a, 13 * a)
    tube((knob + 1, 26, 16), (knob - 6, 26, -150), 12.5 * a, 11.5 * a, 4.0)
    tube((-17, -22, -60), (-19, -20, 70), 13, 10)
    tube((18, -30, -30), (29, -22, 2), 17 * h, 12)
    tube((0, -25, 70), (0, -8, 175), 24, 26, 12.0)
    tube((0, -45, 10), (0, -35, 70), 17, 20, 12.0)
    for low, high in ((-170, -90), (-90, -10), (-10, 60), (60, 130)):
        start, end = (0, spine_y(low) - 2, low), (0, spine_y(high) - 2, high)
        tube(start, end, 22 - 0.02 * (low + 100), 22 - 0.02 * (high + 100), 5.0)
    tube((-22, 0, -10), (-36, 4, -22), 12, 9)
    tube((24, 2, -2), (40, 8, -10), 12, 9)
    tube((-22, -34, -112), (-26, -22, -190), 17, 19, 8.0)
    dome = DOME_MM - build.inspiration_mm - build.dome_step_mm
    tube((14, -40, -105), (46, -46, dome - 8), 34 * h, 26 * h, 8.0)
    tube((46, -46, dome - 4), (70 * h, -50, dome - 2), 20 * h, 12 * h, 8.0)
    tube((-38, 6, -24), (-50, 10, -62), 8.5 * build.vessels, 6.5 * build.vessels, 3.0)
    tube((-34, 2, -14), (-46, 2, 8), 7.5 * build.vessels, 5.0 * build.vessels, 3.0)
    tube((40, 12, -16), (52, 18, -54), 8.0 * build.vessels, 6.0 * build.vessels, 3.0)
    tube((36, 6, 2), (46, 2, 24), 7.0 * build.vessels, 4.8 * build.vessels, 3.0)
    turn = np.radians(34.0)
    heart = np.array(
        [66 * h, 47 * h, 48 * h, 21 + 20 * (h - 1), -46.0, -90 - 0.5 * build.inspiration_mm]
    )
    return np.array(rows), np.array([*heart, np.cos(turn), np.sin(turn)])
