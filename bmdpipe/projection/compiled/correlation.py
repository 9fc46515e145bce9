"""Gradient correlation of images with a fixed one, compiled by numba (see `Measure`)."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(parallel=True, fastmath=True, cache=True)
def correlate(images, smooth, slope, fixed, weight, result):  # pragma: no cover - compiled
    taps, width = smooth.size, images.shape[2]
    rows, columns = weight.shape
    total = np.float64(weight.sum())
    for i in numba.prange(len(images)):
        smoothed, sloped = np.empty(width, np.float32), np.empty(width, np.float32)
        own = np.empty((2, columns), np.float32)
        first, second, product = np.zeros(2), np.zeros(2), np.zeros(2)
        for row in range(rows):
            smoothed[:] = 0.0
            sloped[:] = 0.0
            for k in range(taps):
                for column in range(width):
                    smoothed[column] += smooth[k] * images[i, row + k, column]
                    sloped[column] += slope[k] * images[i, row + k, column]
            own[:] = 0.0
            for k in range(taps):
                for column in range(columns):
                    own[0, column] += slope[k] * smoothed[column + k]
                    own[1, column] += smooth[k] * sloped[column + k]
            for axis in range(2):
                a, b, c = np.float32(0.0), np.float32(0.0), np.float32(0.0)
                for column in range(columns):
                    weighted = own[axis, column] * weight[row, column]
                    a += weighted
                    b += weighted * own[axis, column]
                    c += own[axis, column] * fixed[axis, row, column]
                first[axis] += a
                second[axis] += b
                product[axis] += c
        score = 0.0
        for axis in range(2):
            variance = second[axis] - first[axis] * first[axis] / total
            if variance > 1e-20:
                score += 0.5 * product[axis] / np.sqrt(variance)
        result[i] = score
