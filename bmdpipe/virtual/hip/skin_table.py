"""Distances on coarse nodes, and a smooth function through them. Compiled."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from bmdpipe.virtual.hip.table_balls import balls_around
from bmdpipe.virtual.shape.primitives import Table, primitive_distance, smooth_min

PITCH_MM = 8.0


def envelope(
    x: NDArray, y: NDArray, z: NDArray, table: Table, blend_mm: float
) -> NDArray[np.float64]:
    """Smooth union of primitives on nodes, `[z, y, x]`, mm."""
    values = np.empty((len(z), len(y), len(x)))
    _envelope(x, y, z, table, balls_around(table), blend_mm, values)
    return values


@numba.njit(parallel=True, error_model="numpy", cache=True)
def _envelope(xs, ys, zs, table, balls, blend, values):  # pragma: no cover - compiled
    for k in numba.prange(len(zs)):
        first = np.int64(0)  # no literal, for which numba compiles `primitive_distance` apart
        for j in range(len(ys)):
            for i in range(len(xs)):
                x, y, z = xs[i], ys[j], zs[k]
                # The row that was nearest to the neighbour comes first: most others are then
                # seen to be too far to matter.
                d = primitive_distance(table, first, x, y, z)
                least, start = d, first
                for row in range(len(table)):
                    if row == start:
                        continue
                    far = balls[row, 3] + d + blend
                    dx, dy, dz = x - balls[row, 0], y - balls[row, 1], z - balls[row, 2]
                    if far > 0.0 and dx * dx + dy * dy + dz * dz > far * far:
                        continue
                    away = primitive_distance(table, row, x, y, z)
                    if away < least:
                        least, first = away, np.int64(row)
                    d = smooth_min(d, away, blend)
                values[k, j, i] = d


@numba.njit(error_model="numpy", cache=True)
def spline(table, origin, x, y, z):  # pragma: no cover - compiled
    """A cubic B-spline over nodes: smooth to the second derivative; constant beyond them."""
    nz, ny, nx = table.shape
    gx = min(max((x - origin[0]) / PITCH_MM, 1.0), nx - 2.001)
    gy = min(max((y - origin[1]) / PITCH_MM, 1.0), ny - 2.001)
    gz = min(max((z - origin[2]) / PITCH_MM, 1.0), nz - 2.001)
    i, j, k = int(gx), int(gy), int(gz)
    ax, ay, az = gx - i, gy - j, gz - k
    wx = ((1 - ax) ** 3 / 6, 2 / 3 - ax * ax * (1 - ax / 2), 0.0, ax**3 / 6)
    wy = ((1 - ay) ** 3 / 6, 2 / 3 - ay * ay * (1 - ay / 2), 0.0, ay**3 / 6)
    wz = ((1 - az) ** 3 / 6, 2 / 3 - az * az * (1 - az / 2), 0.0, az**3 / 6)
    x2, y2, z2 = 1 - wx[0] - wx[1] - wx[3], 1 - wy[0] - wy[1] - wy[3], 1 - wz[0] - wz[1] - wz[3]
    total = 0.0
    for c in range(4):
        plane = 0.0
        for b in range(4):
            line = (
                wx[0] * table[k - 1 + c, j - 1 + b, i - 1]
                + wx[1] * table[k - 1 + c, j - 1 + b, i]
                + x2 * table[k - 1 + c, j - 1 + b, i + 1]
                + wx[3] * table[k - 1 + c, j - 1 + b, i + 2]
            )
            plane += (y2 if b == 2 else wy[b]) * line
        total += (z2 if c == 2 else wz[c]) * plane
    return total
