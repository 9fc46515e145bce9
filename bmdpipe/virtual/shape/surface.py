"""The signed distance of a whole bone, compiled; what is too far to matter is passed over."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from bmdpipe.virtual.shape.primitives import (
    CONE,
    CUP,
    SLAB,
    primitive_distance,
    smooth_max,
    smooth_min,
)
from bmdpipe.virtual.shape.sweep import sweep_distance

FAR_MM = 1e3
"""Stands for the distance of a row that was passed over."""
PART = 16
"""The column of a solid's part, where its table has one: rows of one part follow each other and
are united sharply, what has no part (below 0) blends with all."""


def all_of(count: int) -> NDArray[np.int64]:
    """A list of near rows that leaves none out."""
    return np.arange(count)


@numba.njit(fastmath=True, cache=True)
def balls_around(table):  # pragma: no cover - compiled
    """A ball around each primitive, `[n, 4]`: centre and radius, mm."""
    balls = np.empty((len(table), 4))
    for i in range(len(table)):
        row = table[i]
        corners, reach = 1, max(row[9], max(row[10], row[11]))
        if row[15] == CONE:
            corners = 2
        elif row[15] == SLAB:
            corners = 3
        elif row[15] == CUP:
            reach = row[9]
        else:
            reach = np.sqrt(max(row[9], row[10]) ** 2 + row[11] ** 2)
        x, y, z, far = 0.0, 0.0, 0.0, 0.0
        for c in range(corners):
            x += row[3 * c] / corners
            y += row[3 * c + 1] / corners
            z += row[3 * c + 2] / corners
        for c in range(corners):
            away = (row[3 * c] - x) ** 2 + (row[3 * c + 1] - y) ** 2 + (row[3 * c + 2] - z) ** 2
            far = max(far, np.sqrt(away))
        balls[i, 0], balls[i, 1], balls[i, 2], balls[i, 3] = x, y, z, far + reach
    return balls


@numba.njit(fastmath=True, cache=True)
def distance_at(
    solids, balls, frames, profiles, cuts, near, near_sweep, near_cut, border, nearest, found,
    x, y, z,
):  # fmt: skip # pragma: no cover - compiled
    """Signed distance, mm, of the rows that are near; `found` gets that of each solid.

    A row that is more than `border` farther than another changes nothing. `nearest` holds the
    nearest row of the last place, which tells early what is too far, and gets the new one.
    """
    d = 1e6
    for i in near_sweep:
        d = smooth_min(d, sweep_distance(frames, profiles, i, x, y, z), frames[i, 15])
    if len(near) > 0:
        has_parts = solids.shape[1] > PART
        own, part, blend = 1e6, -1.0, 1.0
        least = primitive_distance(solids, nearest[0], x, y, z)
        for q in range(len(near)):
            i = near[q]
            b = balls[i]
            far = max(min(least, d) + border, 0.0) + b[3]
            if (b[0] - x) ** 2 + (b[1] - y) ** 2 + (b[2] - z) ** 2 > far * far:
                found[q] = FAR_MM
                continue
            found[q] = primitive_distance(solids, i, x, y, z)
            if found[q] < least:
                least = found[q]
                nearest[0] = i
            of = solids[i, PART] if has_parts else -1.0
            if of >= 0.0 and of == part:
                own = min(own, found[q])
            else:
                d = smooth_min(d, own, blend)
                own, part, blend = found[q], of, solids[i, 12]
        d = smooth_min(d, own, blend)
    for i in near_cut:
        d = smooth_max(d, -primitive_distance(cuts, i, x, y, z), cuts[i, 12])
    return d
