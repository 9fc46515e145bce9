"""Filters of large images: separable convolution, block means, smooth enlargement.

Each pixel is computed by itself, so that the number of threads changes no byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numba
import numpy as np
from numpy.typing import NDArray

from bmdpipe.geometry.camera import Camera


def convolved(
    image: NDArray[np.float32], terms: Sequence[tuple[float, NDArray[np.float32]]]
) -> NDArray[np.float32]:
    """The weighted sum of separable convolutions with symmetric taps; the edge is repeated."""
    total = np.zeros(image.shape, np.float32)
    rows = np.empty(image.shape, np.float32)
    for weight, taps in terms:
        _along_x(image, taps, rows)
        _add_along_y(rows, taps, np.float32(weight), total)
    return total


def gaussian_taps(sigma_px: float) -> NDArray[np.float32]:
    reach = int(np.ceil(3.5 * sigma_px))
    taps = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma_px) ** 2)
    return (taps / taps.sum()).astype(np.float32)


def smoothed(image: NDArray[np.float32], sigma_px: float) -> NDArray[np.float32]:
    """By a Gaussian function; a wide one is applied to block means."""
    factor = max(int(sigma_px / 3.0), 1)
    small = reduced(image, factor) if factor > 1 else image
    small = convolved(small, ((1.0, gaussian_taps(sigma_px / factor)),))
    return enlarged(small, image.shape, factor) if factor > 1 else small


def reduced(image: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Means of blocks; the last ones may be cut by the edge."""
    height, width = image.shape
    small = np.empty((-(-height // factor), -(-width // factor)), np.float32)
    _block_means(image, factor, small)
    return small


def enlarged(
    small: NDArray[np.float32], shape: tuple[int, ...], factor: int
) -> NDArray[np.float32]:
    """An image of `shape` whose blocks of `factor` the small one's pixels are; cubic in between
    (Catmull-Rom)."""
    rows = np.empty((small.shape[0], shape[1]), np.float32)
    _cubic_x(small, factor, rows)
    image = np.empty(shape, np.float32)
    _cubic_y(rows, factor, image)
    return image


def coarser(camera: Camera, factor: int) -> Camera:
    """Blocks of pixels as one; the last ones reach beyond the detector."""
    (width, height), (cu, cv) = camera.size_px, camera.principal_point_px
    return replace(
        camera,
        spacing_mm=(camera.spacing_mm[0] * factor, camera.spacing_mm[1] * factor),
        size_px=(-(-width // factor), -(-height // factor)),
        principal_point_px=((cu + 0.5) / factor - 0.5, (cv + 0.5) / factor - 0.5),
    )


@numba.njit(parallel=True, fastmath=True, cache=True)
def _along_x(image, taps, result):  # pragma: no cover - compiled
    height, width = image.shape
    reach = len(taps) // 2
    for y in numba.prange(height):
        wide = np.empty(width + 2 * reach, np.float32)
        wide[:reach] = image[y, 0]
        wide[reach : reach + width] = image[y]
        wide[reach + width :] = image[y, width - 1]
        line = np.zeros(width, np.float32)
        for t in range(len(taps)):
            for x in range(width):
                line[x] += taps[t] * wide[x + t]
        result[y] = line


@numba.njit(parallel=True, fastmath=True, cache=True)
def _add_along_y(image, taps, weight, total):  # pragma: no cover - compiled
    height, width = image.shape
    reach = len(taps) // 2
    for y in numba.prange(height):
        for t in range(len(taps)):
            row = min(max(y + t - reach, 0), height - 1)
            factor = weight * taps[t]
            for x in range(width):
                total[y, x] += factor * image[row, x]


@numba.njit(parallel=True, cache=True)
def _block_means(image, factor, small):  # pragma: no cover - compiled
    height, width = image.shape
    for j in numba.prange(small.shape[0]):
        for i in range(small.shape[1]):
            total, count = np.float32(0.0), 0
            for y in range(j * factor, min((j + 1) * factor, height)):
                for x in range(i * factor, min((i + 1) * factor, width)):
                    total += image[y, x]
                    count += 1
            small[j, i] = total / np.float32(count)


@numba.njit(cache=True)
def _cubic(position, size):  # pragma: no cover - compiled
    """Four neighbours and their weights."""
    first = int(np.floor(position))
    t = np.float32(position - first)
    weights = np.empty(4, np.float32)
    weights[0] = np.float32(0.5) * t * (t * (np.float32(2.0) - t) - np.float32(1.0))
    weights[1] = np.float32(0.5) * (t * t * (np.float32(3.0) * t - np.float32(5.0))) + np.float32(1)
    weights[2] = np.float32(0.5) * t * (t * (np.float32(4.0) - np.float32(3.0) * t) + np.float32(1))
    weights[3] = np.float32(0.5) * t * t * (t - np.float32(1.0))
    at = np.empty(4, np.int64)
    for k in range(4):
        at[k] = min(max(first + k - 1, 0), size - 1)
    return at, weights


@numba.njit(parallel=True, cache=True)
def _cubic_x(small, factor, result):  # pragma: no cover - compiled
    for x in numba.prange(result.shape[1]):
        at, w = _cubic((x + 0.5) / factor - 0.5, small.shape[1])
        for y in range(result.shape[0]):
            row = small[y]
            result[y, x] = (
                w[0] * row[at[0]] + w[1] * row[at[1]] + w[2] * row[at[2]] + w[3] * row[at[3]]
            )


@numba.njit(parallel=True, fastmath=True, cache=True)
def _cubic_y(rows, factor, image):  # pragma: no cover - compiled
    for y in numba.prange(image.shape[0]):
        at, w = _cubic((y + 0.5) / factor - 0.5, rows.shape[0])
        a, b, c, d = rows[at[0]], rows[at[1]], rows[at[2]], rows[at[3]]
        for x in range(image.shape[1]):
            image[y, x] = w[0] * a[x] + w[1] * b[x] + w[2] * c[x] + w[3] * d[x]
