"""Smooth noise that is a function of the place, compiled."""

from __future__ import annotations

import numba
import numpy as np


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
