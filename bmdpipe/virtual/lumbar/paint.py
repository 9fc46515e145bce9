"""Soft tissue of axial slices, painted as ellipses one over another, compiled."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from bmdpipe.virtual.shape.noise import value_noise
from bmdpipe.virtual.shape.primitives import smooth_max

COLUMNS = 14
"""x y rx ry cos sin, back: nothing beyond this y, z rz (0: endless), hu, wobble and grain of the
border, amplitude and grain of the texture; all in mm and HU."""


def ellipse(
    centre: tuple[float, float],
    radii: tuple[float, float],
    hu: float,
    *,
    turn_deg: float = 0.0,
    back: float = 1e4,
    z: float = 0.0,
    half_z: float = 0.0,
    wobble: float = 0.0,
    grain: float = 20.0,
    texture: float = 0.0,
    texture_grain: float = 6.0,
) -> NDArray[np.float64]:
    """A row: an elliptic column, or with `half_z` an ellipsoid."""
    c, s = np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))
    return np.array(
        [*centre, *radii, c, s, back, z, half_z, hu, wobble, grain, texture, texture_grain]
    )


@numba.njit(fastmath=True, cache=True)
def paint(hu, rows, origin, spacing, offset):  # pragma: no cover - compiled
    """Paint the rows in their order into `hu` `[z, y, x]`; borders are shared by partial volume."""
    nz, ny, nx = hu.shape
    edge = spacing[0]
    for q in range(len(rows)):
        row = rows[q]
        reach = max(row[2], row[3]) + row[10] + edge
        x0 = max(int((row[0] - reach - origin[0]) / edge), 0)
        x1 = min(int((row[0] + reach - origin[0]) / edge) + 2, nx)
        y0 = max(int((row[1] - reach - origin[1]) / spacing[1]), 0)
        y1 = min(int((min(row[1] + reach, row[6] + edge) - origin[1]) / spacing[1]) + 2, ny)
        for k in range(nz):
            z = origin[2] + k * spacing[2]
            size = 1.0
            if row[8] > 0.0:
                height = 1.0 - ((z - row[7]) / row[8]) ** 2
                if height <= 0.0:
                    continue
                size = np.sqrt(height)
            rx, ry = row[2] * size, row[3] * size
            for j in range(y0, y1):
                y = origin[1] + j * spacing[1]
                for i in range(x0, x1):
                    x = origin[0] + i * edge
                    px, py = x - row[0], y - row[1]
                    u, v = px * row[4] + py * row[5], py * row[4] - px * row[5]
                    k0 = np.sqrt((u / rx) ** 2 + (v / ry) ** 2)
                    k1 = np.sqrt((u / rx**2) ** 2 + (v / ry**2) ** 2) + 1e-9
                    away = k0 * (k0 - 1.0) / k1 if k0 > 1e-6 else -min(rx, ry)
                    if away > row[10] + edge:
                        continue
                    if row[10] > 0.0 and away > -2.0 * row[10] - edge:
                        g = row[11]
                        away += row[10] * value_noise(x / g + offset + q, y / g, z / g)
                    if row[6] < 9e3:
                        away = smooth_max(away, y - row[6], 1.0)
                    share = min(max(0.5 - away / edge, 0.0), 1.0)
                    if share <= 0.0:
                        continue
                    value = row[9]
                    if row[12] != 0.0:
                        g = row[13]
                        value += row[12] * value_noise(x / g + offset, y / g + q, z / (2.0 * g))
                        value += (
                            0.6 * row[12] * value_noise(2.1 * x / g, 2.1 * y / g + offset, z / g)
                        )
                    hu[k, j, i] += share * (value - hu[k, j, i])
