"""Parallel line sums through a masked volume at any orientation, compiled."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray


def parallel_sum(
    mass: NDArray[np.float32],
    weight: NDArray[np.float32],
    matrix: NDArray,
    shift: NDArray,
    shape: tuple[int, int, int],
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Sums `[row, column]` along the middle axis of a resampled grid, and where bone was met.

    Sample (row, depth, column) of `shape` lies at index (z, y, x) `matrix @ sample + shift`. Both
    volumes are interpolated linearly; a sample is bone where `weight` is at least one half, and
    counts `mass / weight` there.
    """
    rows, depth, columns = shape
    image = np.zeros((rows, columns), np.float32)
    shadow = np.zeros((rows, columns), np.bool_)
    _sum(
        np.ascontiguousarray(mass),
        np.ascontiguousarray(weight),
        np.ascontiguousarray(matrix, dtype=np.float64),
        np.ascontiguousarray(shift, dtype=np.float64),
        depth,
        image,
        shadow,
    )
    return image, shadow


@numba.njit(parallel=True, cache=True)
def _sum(mass, weight, matrix, shift, depth, image, shadow):  # pragma: no cover - compiled
    nz, ny, nx = weight.shape
    for row in numba.prange(image.shape[0]):
        for column in range(image.shape[1]):
            z0 = shift[0] + matrix[0, 0] * row + matrix[0, 2] * column
            y0 = shift[1] + matrix[1, 0] * row + matrix[1, 2] * column
            x0 = shift[2] + matrix[2, 0] * row + matrix[2, 2] * column
            total = 0.0
            for d in range(depth):
                z, y, x = z0 + matrix[0, 1] * d, y0 + matrix[1, 1] * d, x0 + matrix[2, 1] * d
                k, j, i = int(np.floor(z)), int(np.floor(y)), int(np.floor(x))
                if k < 0 or j < 0 or i < 0 or k >= nz - 1 or j >= ny - 1 or i >= nx - 1:
                    continue
                share = _trilinear(weight, k, j, i, z - k, y - j, x - i)
                if share >= 0.5:
                    total += _trilinear(mass, k, j, i, z - k, y - j, x - i) / share
                    shadow[row, column] = True
            image[row, column] = total


@numba.njit(cache=True, inline="always")
def _trilinear(values, k, j, i, fz, fy, fx):  # pragma: no cover - compiled
    a = values[k, j, i] * (1 - fx) + values[k, j, i + 1] * fx
    b = values[k, j + 1, i] * (1 - fx) + values[k, j + 1, i + 1] * fx
    c = values[k + 1, j, i] * (1 - fx) + values[k + 1, j, i + 1] * fx
    d = values[k + 1, j + 1, i] * (1 - fx) + values[k + 1, j + 1, i + 1] * fx
    return (a * (1 - fy) + b * fy) * (1 - fz) + (c * (1 - fy) + d * fy) * fz
