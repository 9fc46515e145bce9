"""The compiled part of `soft_tissue`: which share of a voxel is lean tissue and which is fat.

Every voxel is found on its own from its place; blocks of voxels only leave out what cannot reach
them, so that a part of a grid has the bytes of the whole.
"""

from __future__ import annotations

import numba
import numpy as np

from bmdpipe.virtual.hip.cavity import cavity_distance, wall_distance
from bmdpipe.virtual.hip.leg_motion import CREASE_MM, nearest_side, rest_place, unloaded
from bmdpipe.virtual.hip.muscle_tables import BLEND_MM
from bmdpipe.virtual.hip.skin_table import spline
from bmdpipe.virtual.hip.table_balls import beyond
from bmdpipe.virtual.hip.tissue_texture import marbling, nearest_piece
from bmdpipe.virtual.shape.noise import value_noise
from bmdpipe.virtual.shape.primitives import primitive_distance, smooth_max, smooth_min

FINE_MM = 2.0
"""Coarser voxels take the mean of what is finer than they are."""
SKIN_MM = 1.6
FAR = 1e6
THREADS = 0.03
"""Mean share of septa, small vessels and mesentery in fat."""
SKIN_BLEND_MM = 24.0


@numba.njit(error_model="numpy", cache=True)
def _row_of_blocks(
    job, by, bx, block, moved, stretch, fine, xs, ys, zs, edge, legs, stand, table_y, trunk,
    trunk_origin, right, right_origin, left, left_origin, cavity, muscles, balls, owner, side_of,
    infiltration, plane, offset, organs, organ_balls, organ_owner, pieces, up, lean, fat,
):  # pragma: no cover - compiled  # fmt: skip
    """One row of blocks along x."""
    nz, ny, nx = lean.shape
    n, m = len(muscles), len(organs)
    z0, y0 = (job // by) * block, (job % by) * block
    z1, y1 = min(z0 + block, nz), min(y0 + block, ny)
    near = np.empty(n, dtype=np.int64)
    found = np.empty(n)
    near_organ = np.empty(m, dtype=np.int64)
    for ix in range(bx):
        x0, x1 = ix * block, min((ix + 1) * block, nx)
        cx = 0.5 * (xs[x0] + xs[x1 - 1])
        cy = 0.5 * (ys[y0] + ys[y1 - 1])
        cz = 0.5 * (zs[z0] + zs[z1 - 1])
        half = 0.5 * np.sqrt(
            (xs[x1 - 1] - xs[x0]) ** 2 + (ys[y1 - 1] - ys[y0]) ** 2 + (zs[z1 - 1] - zs[z0]) ** 2
        )
        reach = stretch * half
        uy = unloaded(stand, cx, cy, cz)
        rx, ry, rz = rest_place(legs[0], cx, uy, cz)
        lx, ly, lz = rest_place(legs[1], cx, uy, cz)
        d_trunk = spline(trunk, trunk_origin, cx, uy, cz) if cz > -150.0 - half else FAR
        d_right = spline(right, right_origin, rx, ry, rz) if cx < 140.0 + half else FAR
        d_left = spline(left, left_origin, lx, ly, lz) if cx > -140.0 - half else FAR
        skin = smooth_min(d_trunk, min(d_right, d_left), SKIN_BLEND_MM)
        if skin > 1.5 * reach + edge or cy - half > table_y + edge:
            continue
        deep = max(min(d_trunk, min(d_right, d_left)), cy - table_y) < -1.5 * reach - 12.0
        midline = abs(cx) < (130.0 if moved else 25.0) + half and cz < CREASE_MM + half
        certain = -1
        if abs(d_right - d_left) > 3.2 * reach + 2.0 * (SKIN_MM + edge + 6.0):
            certain = 0 if d_right < d_left else 1
        count = 0
        # A muscle matters where it is the nearest, and where a nearer one is not much nearer.
        gap = 2.0 * (2.0 * plane + edge) + BLEND_MM
        margin = 1.15 * reach + gap + edge
        least = FAR
        for q in range(n):
            s = side_of[owner[q]]
            a, b, c = (rx, ry, rz) if s == 0 else (lx, ly, lz)
            if s == 2:
                a, b, c = cx, uy, cz
            elif not midline and (s == 0) != (cx < 0.0) and abs(cx) > half:
                continue
            if beyond(balls, q, a, b, c, margin):
                continue
            away = primitive_distance(muscles, q, a, b, c)
            if away < margin:
                near[count] = q
                found[count] = away
                least = min(least, away)
                count += 1
        if not midline:
            least += 2.3 * reach + gap
            kept = 0
            for q in range(count):
                if found[q] < least:
                    near[kept] = near[q]
                    kept += 1
            count = kept
        organ_count = np.int64(0)  # no literal, for which numba compiles `nearest_piece` apart
        inner = cavity_distance(cavity, cx, uy, cz)
        for q in range(m):
            if beyond(organ_balls, q, cx, uy, cz, reach + edge + 7.0):
                continue
            if primitive_distance(organs, q, cx, uy, cz) < reach + edge + 7.0:
                near_organ[organ_count] = q
                organ_count += 1
        by_wall = -1.3 * reach - gap - edge < inner < 1.3 * reach + gap + edge + 26.0
        for k in range(z0, z1):
            z = zs[k]
            for j in range(y0, y1):
                y = ys[j]
                for i in range(x0, x1):
                    x = xs[i]
                    py = unloaded(stand, x, y, z)
                    s = nearest_side(moved, x, z)
                    if s == 2 and certain >= 0:
                        s = certain
                    own, contact = FAR, FAR
                    if s == 2:
                        ax, ay, az = rest_place(legs[0], x, py, z)
                        own = spline(right, right_origin, ax, ay, az)
                        bx_, by_, bz_ = rest_place(legs[1], x, py, z)
                        other = spline(left, left_origin, bx_, by_, bz_)
                        contact = max(0.5 * abs(other - own), max(own, other) - 1.0)
                        if contact < 8.0:
                            # Skins that meet at an angle are further apart than they seem.
                            slope = 0.0
                            for side in (-1.0, 1.0):
                                ux, uy_, uz = rest_place(legs[0], x + side, py, z)
                                vx, vy, vz = rest_place(legs[1], x + side, py, z)
                                slope += side * (
                                    spline(left, left_origin, vx, vy, vz)
                                    - spline(right, right_origin, ux, uy_, uz)
                                )
                            thick = 0.5 * abs(other - own) / max(0.25 * abs(slope), 0.2)
                            contact = max(thick, max(own, other) - 1.0)
                        s = 0
                        if other < own:
                            s, own = 1, other
                            ax, ay, az = bx_, by_, bz_
                    else:
                        ax, ay, az = rest_place(legs[s], x, py, z)
                    inside, skin = 1.0, -FAR
                    if not deep or contact < 6.0:
                        if own == FAR:
                            if s == 0:
                                own = spline(right, right_origin, ax, ay, az)
                            else:
                                own = spline(left, left_origin, ax, ay, az)
                        d_trunk = spline(trunk, trunk_origin, x, py, z) if z > -150.0 else FAR
                        skin = smooth_min(d_trunk, own, SKIN_BLEND_MM)
                        contact = max(contact, SKIN_MM - d_trunk)
                        skin = smooth_max(skin, y - table_y, 16.0)
                        inside = min(max(0.5 - skin / edge, 0.0), 1.0)
                        if inside <= 0.0:
                            continue
                    best, second, who = FAR, FAR, -1
                    current, d = -1, FAR
                    for c in range(count + 1):
                        q = near[c] if c < count else -1
                        if c == count or owner[q] != current:
                            if d < best:
                                second, best, who = best, d, current
                            elif d < second:
                                second = d
                            if c == count:
                                break
                            current, d = owner[q], FAR
                        t = side_of[current]
                        if t == 2:
                            away = primitive_distance(muscles, q, x, py, z)
                        elif t == s:
                            away = primitive_distance(muscles, q, ax, ay, az)
                        else:
                            continue
                        d = smooth_min(d, away, muscles[q, 12])
                    share = infiltration[who] if who >= 0 else 0.0
                    if by_wall:
                        d = wall_distance(cavity, x, py, z)
                        if d < best:
                            second, best, share = best, d, infiltration[-1]
                        elif d < second:
                            second = d
                    muscle = min(max(0.5 - best / edge, 0.0), 1.0)
                    if muscle > 0.0:
                        apart = 0.5 * (second - best)
                        if apart < 2.0 * plane + edge:
                            wide = plane
                            if fine:
                                wide *= 1.0 + 0.9 * value_noise(
                                    ax / 17.0 + offset, ay / 17.0, az / 40.0
                                )
                            muscle *= min(max(0.5 + (apart - wide) / edge, 0.0), 1.0)
                        if skin > -30.0:
                            muscle *= min(max(0.5 - (skin + 3.5) / edge, 0.0), 1.0)
                        if not fine:
                            muscle *= 1.0 - share
                        elif share > 0.0 and muscle > 0.0:
                            muscle *= 1.0 - marbling(share, ax, ay, az, offset)
                    flesh = muscle
                    if not fine:
                        flesh += (1.0 - muscle) * THREADS
                    elif muscle < 1.0:
                        # Septa, small vessels and mesentery in the fat.
                        thread = value_noise(ax / 15.0, ay / 15.0 + offset, az / 24.0)
                        flesh += (1.0 - muscle) * 0.22 * max(1.0 - 9.0 * abs(thread), 0.0)
                    cover = 0.0
                    if skin > -SKIN_MM - edge:
                        cover = min(max(0.5 + (skin + SKIN_MM) / edge, 0.0), 1.0)
                    if contact < SKIN_MM + edge:
                        cover = max(cover, min(max(0.5 - (contact - SKIN_MM) / edge, 0.0), 1.0))
                    flesh += (1.0 - flesh) * cover
                    oil = 1.0 - flesh
                    if organ_count > 0 and muscle < 0.999:
                        hollow, piece = nearest_piece(
                            organs, organ_owner, near_organ, organ_count, x, py, z
                        )
                        hollow += 2.2 * value_noise(x / 12.0, py / 12.0, z / 12.0 + offset)
                        hollow = max(hollow, cavity_distance(cavity, x, py, z) + 2.0)
                        held = min(max(0.5 - hollow / edge, 0.0), 1.0)
                        held *= 1.0 - min(max(0.5 - best / edge, 0.0), 1.0)
                        if held > 0.0:
                            within = min(max(0.5 - (hollow + pieces[piece, 3]) / edge, 0.0), 1.0)
                            a, b = pieces[piece, 0], pieces[piece, 1]
                            height = up[0] * x + up[1] * py + up[2] * z - pieces[piece, 4]
                            full = min(max(0.5 - height / edge, 0.0), 1.0)
                            if pieces[piece, 2] > 0.0:
                                full *= 0.85 - 0.5 * max(
                                    value_noise(x / 5.0, py / 5.0 + offset, z / 5.0), 0.0
                                )
                            flesh += held * (1.0 - within + within * full * a - flesh)
                            oil += held * (within * full * b - oil)
                    lean[k, j, i] = inside * flesh
                    fat[k, j, i] = inside * oil


@numba.njit(parallel=True, error_model="numpy", cache=True)
def fill(
    xs, ys, zs, edge, legs, stand, table_y, trunk, trunk_origin, right, right_origin, left,
    left_origin, cavity, muscles, balls, owner, side_of, infiltration,
    plane, offset, organs, organ_balls, organ_owner, pieces, up, lean, fat,
):  # pragma: no cover - compiled  # fmt: skip
    """Fill both fields. `legs` rows hold joint, rotation vector, side, and the rotation back as a
    matrix; `stand` what standing changes; `table_y` where a table begins; `*_balls` hold balls
    (x, y, z, r) around the rows of primitives."""
    nz, ny, nx = lean.shape
    fine = edge <= FINE_MM
    block = 6 if edge < 1.2 else (4 if fine else 3)
    bz, by, bx = (nz + block - 1) // block, (ny + block - 1) // block, (nx + block - 1) // block
    moved = bool(np.abs(legs[:, 3:6]).max() > 0.0)
    stretch = 1.7 if moved else (1.45 if stand[0] > 0.0 else 1.0)
    for job in numba.prange(bz * by):
        # A parallel loop compiles faster with a call than with the work in it, and once and not
        # twice if the loop's number, unsigned in parallel, comes as a plain integer.
        _row_of_blocks(
            np.int64(job), by, bx, block, moved, stretch, fine, xs, ys, zs, edge, legs, stand,
            table_y, trunk, trunk_origin, right, right_origin, left, left_origin, cavity, muscles,
            balls, owner, side_of, infiltration, plane, offset, organs, organ_balls, organ_owner,
            pieces, up, lean, fat,
        )  # fmt: skip
