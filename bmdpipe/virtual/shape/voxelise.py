"""Bones on voxels: share of bone and its mineral from tables of primitives, compiled."""

from __future__ import annotations

import numba
import numpy as np

from bmdpipe.virtual.shape.noise import value_noise
from bmdpipe.virtual.shape.primitives import (
    ALONE,
    CONE,
    CUP,
    SLAB,
    primitive_distance,
    smooth_max,
    smooth_min,
)

STRUT_COLUMNS = 8
"""ax ay az bx by bz sigma amplitude: a band of more or less trabecular bone along a segment."""
BORDER_MM = 6.0
"""Over this distance, material properties of neighbouring primitives pass into each other."""

FAR_MM = 1e3


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


@numba.njit(fastmath=True, cache=True)
def _balls_around(table):  # pragma: no cover - compiled
    """A ball around each primitive: centre and radius, for a quick look at what is near."""
    balls = np.empty((len(table), 4))
    for i in range(len(table)):
        r = table[i]
        reach = max(r[9], r[10], r[11])
        points = 1
        if r[15] == CONE:
            points = 2
        elif r[15] == SLAB:
            points = 3
        elif r[15] == CUP:
            reach = r[9]
        else:
            reach = np.sqrt(max(r[9], r[10]) ** 2 + r[11] ** 2)
        x, y, z = 0.0, 0.0, 0.0
        for p in range(points):
            x += r[3 * p] / points
            y += r[3 * p + 1] / points
            z += r[3 * p + 2] / points
        far = 0.0
        for p in range(points):
            dx, dy, dz = r[3 * p] - x, r[3 * p + 1] - y, r[3 * p + 2] - z
            far = max(far, np.sqrt(dx * dx + dy * dy + dz * dz))
        balls[i, 0], balls[i, 1], balls[i, 2], balls[i, 3] = x, y, z, far + reach
    return balls


@numba.njit(parallel=True, fastmath=True, cache=True)
def voxelise(
    solids, cuts, struts, compact, origin, spacing, texture, fraction, density
):  # pragma: no cover - compiled
    """Fill `fraction` (share of bone in a voxel) and `density` (mg/cm3), both `[z, y, x]`.

    Both are averages over the voxel to first order: the density profile under the surface is
    integrated across it. `texture` holds amplitude, grain in mm and a seed offset.
    """
    nz, ny, nx = density.shape
    block = 4
    bz, by, bx = (nz + block - 1) // block, (ny + block - 1) // block, (nx + block - 1) // block
    edge = (spacing[0] + spacing[1] + spacing[2]) / 3.0
    half = 0.5 * block * np.sqrt(spacing[0] ** 2 + spacing[1] ** 2 + spacing[2] ** 2)
    n, m, s = len(solids), len(cuts), len(struts)
    balls, cut_balls = _balls_around(solids), _balls_around(cuts)
    for job in numba.prange(bz * by):
        z0, y0 = (job // by) * block, (job % by) * block
        near = np.empty(n, dtype=np.int64)
        near_cut = np.empty(m, dtype=np.int64)
        found = np.empty(n)
        row, row_cut = np.empty(n, dtype=np.int64), np.empty(m, dtype=np.int64)
        in_row, in_row_cut = 0, 0
        my = origin[1] + (y0 + 0.5 * (block - 1)) * spacing[1]
        mz = origin[2] + (z0 + 0.5 * (block - 1)) * spacing[2]
        for i in range(n):
            reach = balls[i, 3] + half + max(2.0 * solids[i, 12], BORDER_MM)
            if (balls[i, 1] - my) ** 2 + (balls[i, 2] - mz) ** 2 < reach * reach:
                row[in_row] = i
                in_row += 1
        for i in range(m):
            reach = cut_balls[i, 3] + half + 2.0 * cuts[i, 12] + edge
            if (cut_balls[i, 1] - my) ** 2 + (cut_balls[i, 2] - mz) ** 2 < reach * reach:
                row_cut[in_row_cut] = i
                in_row_cut += 1
        if in_row == 0:
            continue
        for ix in range(bx):
            x0 = ix * block
            cx = origin[0] + (x0 + 0.5 * (block - 1)) * spacing[0]
            cy = origin[1] + (y0 + 0.5 * (block - 1)) * spacing[1]
            cz = origin[2] + (z0 + 0.5 * (block - 1)) * spacing[2]
            count, count_cut = 0, 0
            centre, closest = 1e6, 1e6
            for q in range(in_row):
                i = row[q]
                found[q] = primitive_distance(solids, i, cx, cy, cz)
                closest = min(closest, found[q])
                centre = min(centre, found[q] - 0.5 * solids[i, 12])
            reach = min(half, closest + 2.0 * half)
            for q in range(in_row):
                if found[q] < reach + max(solids[row[q], 12], BORDER_MM):
                    near[count] = row[q]
                    count += 1
            if centre > half + edge:
                continue
            for q in range(in_row_cut):
                i = row_cut[q]
                if primitive_distance(cuts, i, cx, cy, cz) < half + 2.0 * cuts[i, 12] + edge:
                    near_cut[count_cut] = i
                    count_cut += 1
            nearest = near[0] if count > 0 else 0
            for k in range(z0, min(z0 + block, nz)):
                z = origin[2] + k * spacing[2]
                for j in range(y0, min(y0 + block, ny)):
                    y = origin[1] + j * spacing[1]
                    for i in range(x0, min(x0 + block, nx)):
                        x = origin[0] + i * spacing[0]
                        d = 1e6
                        own, part, blend = 1e6, ALONE, 1.0
                        # The nearest row of the voxel before bounds how far a row may be to count.
                        least = primitive_distance(solids, nearest, x, y, z)
                        for q in range(count):
                            b = balls[near[q]]
                            far = max(least + BORDER_MM, 0.0) + b[3]
                            if (b[0] - x) ** 2 + (b[1] - y) ** 2 + (b[2] - z) ** 2 > far * far:
                                found[q] = FAR_MM
                                continue
                            found[q] = primitive_distance(solids, near[q], x, y, z)
                            if found[q] < least:
                                least, nearest = found[q], near[q]
                            r = solids[near[q]]
                            if r[16] == part and part >= 0.0:
                                own = min(own, found[q])
                            else:
                                d = smooth_min(d, own, blend)
                                own, part, blend = found[q], r[16], r[12]
                        d = smooth_min(d, own, blend)
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
