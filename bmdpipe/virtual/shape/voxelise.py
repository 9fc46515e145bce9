"""Bones on voxels: share of bone and its mineral from shapes and material, compiled.

Each voxel is a function of its place alone, so that threads change nothing.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from bmdpipe.virtual.shape.bone import Bone
from bmdpipe.virtual.shape.material import of_lattice, of_tables
from bmdpipe.virtual.shape.primitives import primitive_distance
from bmdpipe.virtual.shape.surface import FAR_MM, balls_around, distance_at
from bmdpipe.virtual.shape.sweep import sweep_distance

BLOCK = 4
SLACK = 0.6
"""A sweep's distance may be this much of what it says: its sections are ellipses."""
UNDER_CUT_MM = 4.0
"""So deep under a cut its cortex is followed."""
STEP_MM = 0.05
"""For the slope of the distance."""


def voxelise(
    bone: Bone,
    compact_mg_cm3: float,
    texture: tuple[float, float, float],
    origin_mm: NDArray[np.float64],
    spacing_mm: NDArray[np.float64],
    parts: int,
    fraction: NDArray[np.float32],
    density: NDArray[np.float32],
) -> None:
    """Fill `fraction` (share of bone in a voxel) and `density` (mg/cm3), both `[z, y, x]`.

    Each voxel is the mean of `parts`^3, of which 2 keep volume and mass to 0.1 % and 1 is fast.
    `texture` holds amplitude, grain in mm and a seed offset; the first two are of bones whose
    material is in their tables.
    """
    material = bone.material
    # One layout, so that numba compiles once; so do the plain integers of other kernels.
    lattice = np.ascontiguousarray(material.index_from_world)
    _fill(
        bone.solids, bone.cuts, bone.struts, bone.sweeps.frames, bone.sweeps.profiles,
        material.values, lattice,
        np.array([material.amplitude, *material.grain_mm]), np.array(texture), compact_mg_cm3,
        bone.border_mm, origin_mm, spacing_mm, parts, fraction, density,
    )  # fmt: skip


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
def _in_row(balls, blends, low, high, extra, rows):  # pragma: no cover - compiled
    """Rows whose ball comes near a bar of voxels along x: how many, their numbers in `rows`."""
    count = 0
    for i in range(len(balls)):
        reach = balls[i, 3] + extra + 2.0 * blends[i]
        away = 0.0
        for axis in range(3):
            away += max(low[axis] - balls[i, axis], balls[i, axis] - high[axis], 0.0) ** 2
        if away < reach * reach:
            rows[count] = i
            count += 1
    return count


@numba.njit(parallel=True, fastmath=True, cache=True)
def _fill(
    solids, cuts, struts, frames, profiles, values, lattice, fibre, texture, compact, border,
    origin, spacing, parts, fraction, density,
):  # fmt: skip # pragma: no cover - compiled
    """Over each part of a voxel, the profile of density under the surface is integrated along the
    surface's normal, which is exact for flat layers. `fibre` holds amplitude and grain of a
    material's texture; `values` may be empty, then the solids' columns are the material.
    """
    nz, ny, nx = density.shape
    bz, by, bx = -(-nz // BLOCK), -(-ny // BLOCK), -(-nx // BLOCK)
    sx, sy, sz = spacing
    edge = max(sx, max(sy, sz))
    half = 0.5 * BLOCK * np.sqrt(sx * sx + sy * sy + sz * sz)
    n, m, f = len(solids), len(cuts), len(frames)
    pieces = parts * parts * parts
    balls, cut_balls = balls_around(solids), balls_around(cuts)
    for job in numba.prange(bz * by):
        z0, y0 = (job // by) * BLOCK, (job % by) * BLOCK
        bar, cut_bar = np.empty(n, dtype=np.int64), np.empty(m, dtype=np.int64)
        rows, cut_rows = np.empty(n, dtype=np.int64), np.empty(m, dtype=np.int64)
        sweep_rows = np.empty(f, dtype=np.int64)
        found, slope = np.empty(n), np.empty(3)
        nearest = np.zeros(1, dtype=np.int64)
        low = np.array([origin[0], origin[1] + y0 * sy, origin[2] + z0 * sz])
        high = low + np.array([nx * sx, BLOCK * sy, BLOCK * sz])
        in_bar = _in_row(balls, solids[:, 12], low, high, edge + border, bar)
        in_cut_bar = _in_row(cut_balls, cuts[:, 12], low, high, edge + UNDER_CUT_MM, cut_bar)
        if in_bar + f == 0:
            continue
        for block in range(bx):
            x0 = block * BLOCK
            cx = origin[0] + (x0 + 0.5 * (BLOCK - 1)) * sx
            cy = origin[1] + (y0 + 0.5 * (BLOCK - 1)) * sy
            cz = origin[2] + (z0 + 0.5 * (BLOCK - 1)) * sz
            count, count_cut, count_sweep = 0, 0, 0
            closest = 1e6
            for q in range(in_bar):
                ball = balls[bar[q]]
                far = half + edge + border + ball[3]
                if (ball[0] - cx) ** 2 + (ball[1] - cy) ** 2 + (ball[2] - cz) ** 2 > far * far:
                    found[q] = FAR_MM
                    continue
                found[q] = primitive_distance(solids, bar[q], cx, cy, cz)
                closest = min(closest, found[q])
            reach = min(half + edge, closest + 2.0 * half) + border
            for q in range(in_bar):
                if found[q] < reach:
                    rows[count] = bar[q]
                    count += 1
            for i in range(f):
                away = SLACK * sweep_distance(frames, profiles, i, cx, cy, cz)
                closest = min(closest, away)
                if away < half + edge + frames[i, 15]:
                    sweep_rows[count_sweep] = i
                    count_sweep += 1
            # Blending pushes a surface out by no more than half of what it reaches over.
            if count + count_sweep == 0 or closest - 0.5 * border > half + edge:
                continue
            for q in range(in_cut_bar):
                i = cut_bar[q]
                reach = half + edge + 2.0 * cuts[i, 12] + UNDER_CUT_MM
                if primitive_distance(cuts, i, cx, cy, cz) < reach:
                    cut_rows[count_cut] = i
                    count_cut += 1
            near, near_cut, near_sweep = (
                rows[:count],
                cut_rows[:count_cut],
                sweep_rows[:count_sweep],
            )
            nearest[0] = near[0] if count > 0 else 0
            for k in range(z0, min(z0 + BLOCK, nz)):
                z = origin[2] + k * sz
                for j in range(y0, min(y0 + BLOCK, ny)):
                    y = origin[1] + j * sy
                    for i in range(x0, min(x0 + BLOCK, nx)):
                        x = origin[0] + i * sx
                        d = distance_at(
                            solids, balls, frames, profiles, cuts, near, near_sweep, near_cut,
                            border, nearest, found, x, y, z,
                        )  # fmt: skip
                        if d > 1.5 * edge:
                            continue
                        if len(values) > 0:
                            cortex, core = of_lattice(values, lattice, fibre, texture[2], x, y, z)
                        else:
                            cortex, core = of_tables(solids, struts, near, found, texture, x, y, z)
                        ramp = 0.35 * cortex + 0.2
                        deep = d < -1.4 * (cortex + ramp + edge)
                        width, scale = (sx + sy + sz) / 3.0, 1.0
                        # Without division the shape is taken as it says, for the sake of speed.
                        if parts > 1 and not deep:
                            for axis in range(3):
                                slope[axis] = distance_at(
                                    solids, balls, frames, profiles, cuts, near, near_sweep,
                                    near_cut, border, nearest, found, x + STEP_MM * (axis == 0),
                                    y + STEP_MM * (axis == 1), z + STEP_MM * (axis == 2),
                                ) - d  # fmt: skip
                            gx, gy, gz = slope
                            length = np.sqrt(gx * gx + gy * gy + gz * gz) + 1e-9
                            gx, gy, gz = gx * sx / length, gy * sy / length, gz * sz / length
                            width = np.sqrt(gx * gx + gy * gy + gz * gz) / parts
                            scale = 1.0 / min(max(length / STEP_MM, 0.7), 1.4)
                        share, mineral = 0.0, 0.0
                        for part in range(pieces):
                            px, py, pz = x, y, z
                            if parts > 1:
                                px += ((part % parts + 0.5) / parts - 0.5) * sx
                                py += (((part // parts) % parts + 0.5) / parts - 0.5) * sy
                                pz += ((part // (parts * parts) + 0.5) / parts - 0.5) * sz
                                if not deep:
                                    d = distance_at(
                                        solids, balls, frames, profiles, cuts, near, near_sweep,
                                        near_cut, border, nearest, found, px, py, pz,
                                    )  # fmt: skip
                            d_mm = d * scale
                            inside = min(max(0.5 - d_mm / width, 0.0), 1.0)
                            if inside <= 0.0:
                                continue
                            share += inside
                            # The cortex covers what is inside it, whatever the trabeculae are.
                            if parts > 1 and len(values) > 0 and 0.5 * width - d_mm > cortex:
                                _, core = of_lattice(values, lattice, fibre, texture[2], px, py, pz)
                            if deep:
                                mineral += core
                                continue
                            base = _column(0.5 * width - d_mm, cortex, ramp, compact, core)
                            top = _column(-0.5 * width - d_mm, cortex, ramp, compact, core)
                            mineral += (base - top) / width
                        if share > 0.0:
                            fraction[k, j, i] = share / pieces
                            density[k, j, i] = mineral / pieces
