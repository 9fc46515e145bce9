"""Bones as implicit functions: smooth unions of rounded cones, slabs and cups, compiled.

A bone is a table of primitives, one row each; the columns are named below. `a`, `b`, `c` are points
in LPS mm, `r*` radii in mm. A signed distance is negative inside.
Source: smooth union, Quilez, https://iquilezles.org/articles/smin (quadratic polynomial).
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

CONE, SLAB, CUP, DISC = 0.0, 1.0, 2.0, 3.0
COLUMNS = 16
"""ax ay az bx by bz cx cy cz ra rb rc blend thickness trabecular kind."""
STRUT_COLUMNS = 8
"""ax ay az bx by bz sigma amplitude: a band of more or less trabecular bone along a segment."""
BORDER_MM = 6.0
"""Over this distance, material properties of neighbouring primitives pass into each other."""

Table = NDArray[np.float64]


def cone(
    a: ArrayLike, b: ArrayLike, ra: float, rb: float, blend: float, cortex: float, trabecular: float
) -> Table:
    """A rounded cone from a to b; `cortex` in mm, `trabecular` in mg/cm3."""
    return np.array(
        [*np.ravel(a), *np.ravel(b), 0, 0, 0, ra, rb, 0, blend, cortex, trabecular, CONE]
    )


def slab(
    corners: ArrayLike, radii: ArrayLike, blend: float, cortex: float, trabecular: float
) -> Table:
    """A triangle with a radius at each corner, linear between them."""
    return np.array([*np.ravel(corners), *np.ravel(radii), blend, cortex, trabecular, SLAB])


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
    return np.array([*where, radius, depth, 0, blend, cortex, trabecular, CUP])


def disc(
    centre: ArrayLike,
    axis: ArrayLike,
    forward: ArrayLike,
    radii: ArrayLike,
    blend: float,
    cortex: float,
    trabecular: float,
) -> Table:
    """An elliptic cylinder: `radii` are across, forward and half the height."""
    where = [*np.ravel(centre), *np.ravel(axis), *np.ravel(forward)]
    return np.array([*where, *np.ravel(radii), blend, cortex, trabecular, DISC])


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
    k0 = np.sqrt(w2 / table[i, 9] ** 2 + v * v / table[i, 10] ** 2)
    k1 = np.sqrt(w2 / table[i, 9] ** 4 + v * v / table[i, 10] ** 4) + 1e-9
    return smooth_max(k0 * (k0 - 1.0) / k1, abs(u) - table[i, 11], 4.0)


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
    distance = 1e6
    for i in range(len(solids)):
        distance = smooth_min(distance, primitive_distance(solids, i, x, y, z), solids[i, 12])
    for i in range(len(cuts)):
        distance = smooth_max(distance, -primitive_distance(cuts, i, x, y, z), cuts[i, 12])
    return distance


@numba.njit(fastmath=True, cache=True, inline="always")
def _lattice(i, j, k):  # pragma: no cover - compiled
    h = (i * 374761393 + j * 668265263 + k * 2147483647 + 1274126177) & 0xFFFFFFFF
    h = ((h ^ (h >> 13)) * 1103515245) & 0xFFFFFFFF
    return ((h ^ (h >> 16)) & 0xFFFF) / 32767.5 - 1.0


@numba.njit(fastmath=True, cache=True)
def value_noise(x, y, z):  # pragma: no cover - compiled
    """Smooth noise in [-1, 1] of one lattice unit; the same for the same point, always."""
    i, j, k = int(np.floor(x)), int(np.floor(y)), int(np.floor(z))
    fx, fy, fz = x - i, y - j, z - k
    total = 0.0
    for a in range(2):
        for b in range(2):
            for c in range(2):
                weight = (fx if a else 1 - fx) * (fy if b else 1 - fy) * (fz if c else 1 - fz)
                total += weight * _lattice(i + a, j + b, k + c)
    return total


@numba.njit(fastmath=True, cache=True, inline="always")
def _column(depth, cortex, ramp, compact, trabecular):  # pragma: no cover - compiled
    """Mineral between the surface and a depth: cortex, endosteal ramp, trabecular bone."""
    if depth <= 0.0:
        return 0.0
    in_cortex = min(depth, cortex)
    in_ramp = min(max(depth - cortex, 0.0), ramp)
    in_core = max(depth - cortex - ramp, 0.0)
    falling = compact * in_ramp + (trabecular - compact) * in_ramp * in_ramp / (2.0 * ramp)
    return compact * in_cortex + falling + trabecular * in_core


@numba.njit(parallel=True, fastmath=True, cache=True)
def voxelise(
    solids, cuts, struts, compact, origin, spacing, texture, fraction, density
):  # pragma: no cover - compiled
    """Fill `fraction` (share of bone in a voxel) and `density` (mg/cm3), both `[z, y, x]`.

    Both are averages over the voxel to first order: the density profile under the surface is
    integrated across it. `texture` holds amplitude, grain in mm and a seed offset.
    """
    nz, ny, nx = density.shape
    block = 6
    bz, by, bx = (nz + block - 1) // block, (ny + block - 1) // block, (nx + block - 1) // block
    edge = (spacing[0] + spacing[1] + spacing[2]) / 3.0
    half = 0.5 * block * np.sqrt(spacing[0] ** 2 + spacing[1] ** 2 + spacing[2] ** 2)
    n, m, s = len(solids), len(cuts), len(struts)
    for job in numba.prange(bz * by):
        z0, y0 = (job // by) * block, (job % by) * block
        near = np.empty(n, dtype=np.int64)
        near_cut = np.empty(m, dtype=np.int64)
        found = np.empty(n)
        for ix in range(bx):
            x0 = ix * block
            cx = origin[0] + (x0 + 0.5 * (block - 1)) * spacing[0]
            cy = origin[1] + (y0 + 0.5 * (block - 1)) * spacing[1]
            cz = origin[2] + (z0 + 0.5 * (block - 1)) * spacing[2]
            count, count_cut = 0, 0
            centre = 1e6
            for i in range(n):
                away = primitive_distance(solids, i, cx, cy, cz)
                centre = smooth_min(centre, away, solids[i, 12])
                if away < half + max(solids[i, 12], BORDER_MM):
                    near[count] = i
                    count += 1
            if centre > half + edge:
                continue
            for i in range(m):
                if primitive_distance(cuts, i, cx, cy, cz) < half + 2.0 * cuts[i, 12] + edge:
                    near_cut[count_cut] = i
                    count_cut += 1
            for k in range(z0, min(z0 + block, nz)):
                z = origin[2] + k * spacing[2]
                for j in range(y0, min(y0 + block, ny)):
                    y = origin[1] + j * spacing[1]
                    for i in range(x0, min(x0 + block, nx)):
                        x = origin[0] + i * spacing[0]
                        d, least = 1e6, 1e6
                        for q in range(count):
                            found[q] = primitive_distance(solids, near[q], x, y, z)
                            least = min(least, found[q])
                            d = smooth_min(d, found[q], solids[near[q], 12])
                        if d > edge:
                            continue
                        for q in range(count_cut):
                            i_cut = near_cut[q]
                            away = primitive_distance(cuts, i_cut, x, y, z)
                            d = smooth_max(d, -away, cuts[i_cut, 12])
                        inside = min(max(0.5 - d / edge, 0.0), 1.0)
                        if inside <= 0.0:
                            continue
                        weights, cortex, core = 0.0, 0.0, 0.0
                        for q in range(count):
                            w = max(1.0 - (found[q] - least) / BORDER_MM, 0.0)
                            weights += w * w
                            cortex += w * w * solids[near[q], 13]
                            core += w * w * solids[near[q], 14]
                        cortex /= weights
                        core /= weights
                        for q in range(s):
                            r = struts[q]
                            bx_, by_, bz_ = r[3] - r[0], r[4] - r[1], r[5] - r[2]
                            px, py, pz = x - r[0], y - r[1], z - r[2]
                            t = (px * bx_ + py * by_ + pz * bz_) / (
                                bx_ * bx_ + by_ * by_ + bz_ * bz_ + 1e-12
                            )
                            t = min(max(t, 0.0), 1.0)
                            gx, gy, gz = px - t * bx_, py - t * by_, pz - t * bz_
                            core += r[7] * np.exp(
                                -0.5 * (gx * gx + gy * gy + gz * gz) / (r[6] * r[6])
                            )
                        grain = value_noise(
                            x / texture[1] + texture[2], y / texture[1], z / (2.0 * texture[1])
                        )
                        core = max(core * (1.0 + texture[0] * grain), 0.0)
                        ramp = 0.35 * cortex + 0.2
                        deep = _column(0.5 * edge - d, cortex, ramp, compact, core)
                        shallow = _column(-0.5 * edge - d, cortex, ramp, compact, core)
                        fraction[k, j, i] = inside
                        density[k, j, i] = (deep - shallow) / edge
