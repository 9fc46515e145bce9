"""Bones as implicit functions: smooth unions of rounded cones, slabs and cups, compiled.

A bone is a table of primitives, one row each; the columns are named below. `a`, `b`, `c` are points
in LPS mm, `r*` radii in mm. A signed distance is negative inside. Rows of one `part` follow each
other and are united sharply: they are pieces of one smooth sheet or chain, which a blend would
thicken along every edge that two pieces share. Parts, and rows without a part, blend.
Source: smooth union, Quilez, https://iquilezles.org/articles/smin (quadratic polynomial).
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

CONE, SLAB, CUP, DISC = 0.0, 1.0, 2.0, 3.0
COLUMNS = 17
"""ax ay az bx by bz cx cy cz ra rb rc blend thickness trabecular kind part."""
ALONE = -1.0
"""The part of a row that has none."""
WAIST = 0.09
"""Share of its radius that a disc has lost in the middle of its height, as a vertebral body has."""
HOLLOW_MM = 1.8
"""How deep the ends of a disc are hollowed."""

Table = NDArray[np.float64]


def rows(
    geometry: NDArray, kind: float, part: float, blend: float, cortex: float, trabecular: float
) -> Table:
    """Rows of one part: `geometry` holds their points and radii, `[n, 12]`."""
    rest = np.array([blend, cortex, trabecular, kind, part])
    return np.concatenate([geometry, np.broadcast_to(rest, (len(geometry), 5))], axis=1)


def cone(
    a: ArrayLike, b: ArrayLike, ra: float, rb: float, blend: float, cortex: float, trabecular: float
) -> Table:
    """A rounded cone from a to b; `cortex` in mm, `trabecular` in mg/cm3."""
    return np.array(
        [*np.ravel(a), *np.ravel(b), 0, 0, 0, ra, rb, 0, blend, cortex, trabecular, CONE, ALONE]
    )


def slab(
    corners: ArrayLike, radii: ArrayLike, blend: float, cortex: float, trabecular: float
) -> Table:
    """A triangle with a radius at each corner, linear between them."""
    where = [*np.ravel(corners), *np.ravel(radii)]
    return np.array([*where, blend, cortex, trabecular, SLAB, ALONE])


def cup(
    centre: ArrayLike,
    opening: ArrayLike,
    radius: float,
    depth: float,
    blend: float,
    cortex: float,
    trabecular: float,
) -> Table:
    """A ball cut by a plane `depth` mm beyond its centre along the unit vector `opening`."""
    where = [*np.ravel(centre), *np.ravel(opening), 0, 0, 0]
    return np.array([*where, radius, depth, 0, blend, cortex, trabecular, CUP, ALONE])


def disc(
    centre: ArrayLike,
    axis: ArrayLike,
    forward: ArrayLike,
    radii: ArrayLike,
    blend: float,
    cortex: float,
    trabecular: float,
) -> Table:
    """A vertebral body: an elliptic cylinder with a waist and hollow ends.

    `radii` are across, forward and half the height.
    """
    where = [*np.ravel(centre), *np.ravel(axis), *np.ravel(forward)]
    return np.array([*where, *np.ravel(radii), blend, cortex, trabecular, DISC, ALONE])


def dilated(table: Table, by_mm: float) -> Table:
    """The same primitives with larger radii, to be cut out of a neighbour."""
    grown = table.copy()
    grown[:, 9] += by_mm
    conical = table[:, 15] != CUP
    grown[conical, 10] += by_mm
    grown[table[:, 15] == SLAB, 11] += by_mm
    return grown


@numba.njit(fastmath=True, cache=True)
def primitive_distance(table, i, x, y, z):  # pragma: no cover - compiled
    """Signed distance of row `i` of a table, mm: exact for balls, close otherwise."""
    kind = table[i, 15]
    px, py, pz = x - table[i, 0], y - table[i, 1], z - table[i, 2]
    if kind == CONE:
        bx, by, bz = table[i, 3] - table[i, 0], table[i, 4] - table[i, 1], table[i, 5] - table[i, 2]
        length = bx * bx + by * by + bz * bz + 1e-12
        t = min(max((px * bx + py * by + pz * bz) / length, 0.0), 1.0)
        dx, dy, dz = px - t * bx, py - t * by, pz - t * bz
        return np.sqrt(dx * dx + dy * dy + dz * dz) - (
            table[i, 9] + t * (table[i, 10] - table[i, 9])
        )
    if kind == SLAB:
        return _slab_distance(table, i, px, py, pz)
    if kind == CUP:
        ball = np.sqrt(px * px + py * py + pz * pz) - table[i, 9]
        plane = px * table[i, 3] + py * table[i, 4] + pz * table[i, 5] - table[i, 10]
        return smooth_max(ball, plane, 3.0)
    u = px * table[i, 3] + py * table[i, 4] + pz * table[i, 5]
    v = px * table[i, 6] + py * table[i, 7] + pz * table[i, 8]
    wx = px - u * table[i, 3] - v * table[i, 6]
    wy = py - u * table[i, 4] - v * table[i, 7]
    wz = pz - u * table[i, 5] - v * table[i, 8]
    w2 = wx * wx + wy * wy + wz * wz
    slim = 1.0 - WAIST * max(1.0 - (u / table[i, 11]) ** 2, 0.0)
    ra, rb = slim * table[i, 9], slim * table[i, 10]
    k0 = np.sqrt(w2 / ra**2 + v * v / rb**2)
    k1 = np.sqrt(w2 / ra**4 + v * v / rb**4) + 1e-9
    end = table[i, 11] - HOLLOW_MM * max(1.0 - k0 * k0, 0.0)
    return smooth_max(k0 * (k0 - 1.0) / k1, abs(u) - end, 4.0)


@numba.njit(fastmath=True, cache=True)
def _slab_distance(table, i, px, py, pz):  # pragma: no cover - compiled
    """Closest point of a triangle by its regions. Source: Ericson 2005, section 5.1.5."""
    e1x, e1y, e1z = table[i, 3] - table[i, 0], table[i, 4] - table[i, 1], table[i, 5] - table[i, 2]
    e2x, e2y, e2z = table[i, 6] - table[i, 0], table[i, 7] - table[i, 1], table[i, 8] - table[i, 2]
    d1 = e1x * px + e1y * py + e1z * pz
    d2 = e2x * px + e2y * py + e2z * pz
    qx, qy, qz = px - e1x, py - e1y, pz - e1z
    d3 = e1x * qx + e1y * qy + e1z * qz
    d4 = e2x * qx + e2y * qy + e2z * qz
    sx, sy, sz = px - e2x, py - e2y, pz - e2z
    d5 = e1x * sx + e1y * sy + e1z * sz
    d6 = e2x * sx + e2y * sy + e2z * sz
    vc = d1 * d4 - d3 * d2
    vb = d5 * d2 - d1 * d6
    va = d3 * d6 - d5 * d4
    if d1 <= 0.0 and d2 <= 0.0:
        v, w = 0.0, 0.0
    elif d3 >= 0.0 and d4 <= d3:
        v, w = 1.0, 0.0
    elif vc <= 0.0 and d1 >= 0.0 and d3 <= 0.0:
        v, w = d1 / (d1 - d3 + 1e-12), 0.0
    elif d6 >= 0.0 and d5 <= d6:
        v, w = 0.0, 1.0
    elif vb <= 0.0 and d2 >= 0.0 and d6 <= 0.0:
        v, w = 0.0, d2 / (d2 - d6 + 1e-12)
    elif va <= 0.0 and d4 - d3 >= 0.0 and d5 - d6 >= 0.0:
        w = (d4 - d3) / ((d4 - d3) + (d5 - d6) + 1e-12)
        v = 1.0 - w
    else:
        scale = 1.0 / (va + vb + vc + 1e-12)
        v, w = vb * scale, vc * scale
    dx, dy, dz = px - v * e1x - w * e2x, py - v * e1y - w * e2y, pz - v * e1z - w * e2z
    radius = table[i, 9] + v * (table[i, 10] - table[i, 9]) + w * (table[i, 11] - table[i, 9])
    return np.sqrt(dx * dx + dy * dy + dz * dz) - radius


@numba.njit(fastmath=True, cache=True, inline="always")
def smooth_min(a, b, k):  # pragma: no cover - compiled
    h = max(k - abs(a - b), 0.0)
    return min(a, b) - h * h / (4.0 * k)


@numba.njit(fastmath=True, cache=True, inline="always")
def smooth_max(a, b, k):  # pragma: no cover - compiled
    h = max(k - abs(a - b), 0.0)
    return max(a, b) + h * h / (4.0 * k)


@numba.njit(fastmath=True, cache=True)
def bone_distance(solids, cuts, x, y, z):  # pragma: no cover - compiled
    """Signed distance of a whole bone at one point, mm."""
    distance, own, part, blend = 1e6, 1e6, ALONE, 1.0
    for i in range(len(solids)):
        away = primitive_distance(solids, i, x, y, z)
        if solids[i, 16] == part and part >= 0.0:
            own = min(own, away)
        else:
            distance = smooth_min(distance, own, blend)
            own, part, blend = away, solids[i, 16], solids[i, 12]
    distance = smooth_min(distance, own, blend)
    for i in range(len(cuts)):
        distance = smooth_max(distance, -primitive_distance(cuts, i, x, y, z), cuts[i, 12])
    return distance
