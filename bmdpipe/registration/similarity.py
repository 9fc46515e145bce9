"""Gradient correlation of image batches with one fixed image, compiled.

The mean of the normalised cross-correlations of the x and of the y derivative images (Penney 1998),
derivatives by Gaussian kernels. Pixels closer to the border than the kernel's radius do not count.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

TRUNCATE = 3.0
"""A kernel's radius in standard deviations, rounded up."""


class NothingToCompareError(ValueError):
    """The image is too small, unknown or empty where the body should be."""


@dataclass(frozen=True)
class GradientCorrelation:
    """The fixed image's side of the comparison.

    `fixed` `[2, h', w']` are its weighted x and y derivatives with mean 0 and norm 1 over the inner
    pixels; `weight` `[h', w']` is 1 where the fixed image is known and 0 elsewhere.
    """

    smooth: NDArray[np.float32]
    slope: NDArray[np.float32]
    fixed: NDArray[np.float32]
    weight: NDArray[np.float32]
    sigma_px: float

    @classmethod
    def of(
        cls,
        image: NDArray,
        sigma_px: float,
        known: NDArray[np.bool_] | None = None,
        limit: float = 1.0,
    ) -> GradientCorrelation:
        """Derivatives beyond the quantile `limit` of their sizes are cut to it: what is no bone
        but has sharp edges, as a lead letter or metal, then weighs no more than bone does.

        Raises NothingToCompareError if under a tenth is known, or there is no gradient.
        """
        smooth, slope = kernels(sigma_px)
        radius = len(smooth) // 2
        height, width = image.shape
        if min(height, width) <= 2 * radius + 2:
            raise NothingToCompareError(
                f"an image of {width} x {height} pixels is too small to compare"
            )
        weight = np.ones((height - 2 * radius, width - 2 * radius), np.float32)
        if known is not None:
            weight[:] = ~_dilate(~known, radius)[radius : height - radius, radius : width - radius]
        if weight.mean() < 0.1:
            raise NothingToCompareError("too little of the image is known to compare")
        fixed = derivatives(image[None], smooth, slope)[0].astype(np.float64)
        if limit < 1.0:
            for derivative in fixed:
                most = np.quantile(np.abs(derivative[weight > 0]), limit)
                np.clip(derivative, -most, most, out=derivative)
        total = weight.sum()
        fixed = (fixed - (fixed * weight).sum(axis=(1, 2), keepdims=True) / total) * weight
        norms = np.sqrt((fixed**2).sum(axis=(1, 2), keepdims=True))
        if not np.isfinite(norms).all() or norms.min() == 0:
            raise NothingToCompareError("the image has no gradient")
        return cls(smooth, slope, (fixed / norms).astype(np.float32), weight, sigma_px)

    def of_batch(self, moving: NDArray[np.float32]) -> NDArray[np.float64]:
        """The gradient correlation of each image `[n, h, w]`; 0 for an image without gradient."""
        result = np.empty(len(moving))
        _correlate(moving, self.smooth, self.slope, self.fixed, self.weight, result)
        return result

    def normalised(self, moving: NDArray[np.float32]) -> NDArray[np.float32]:
        """Weighted derivative images `[n, 2, h', w']` with mean 0 and norm 1, like `fixed`."""
        images = self._centred(moving)
        norms = np.sqrt(np.einsum("nchw,nchw->nc", images, images))
        return images / np.maximum(norms, 1e-20)[:, :, None, None]

    def linearised(
        self, moving: NDArray[np.float32], changes: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """How the normalised image follows changes `[p, h, w]` of one image `[h, w]`, `[p, m]`, and
        how far it is from `fixed`, `[m]`: the Jacobian and residual of a least-squares fit."""
        images = self._centred(np.concatenate([moving[None], changes]))
        norms = np.sqrt(np.einsum("chw,chw->c", images[0], images[0], dtype=np.float64))
        images /= np.maximum(norms, 1e-20).astype(np.float32)[:, None, None]
        image, slopes = images[0], images[1:]
        along = np.einsum("pchw,chw->pc", slopes, image)
        slopes -= along[:, :, None, None] * image
        return slopes.reshape(len(slopes), -1), (self.fixed - image).ravel()

    def _centred(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        sloped = derivatives(images, self.smooth, self.slope)
        total = self.weight.sum(dtype=np.float64)
        sloped -= ((sloped * self.weight).sum(axis=(2, 3), keepdims=True) / total).astype(
            np.float32
        )
        sloped *= self.weight
        return sloped


def kernels(sigma_px: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Gaussian and derivative-of-Gaussian correlation kernels, `[2 r + 1]`; the first sums to 1."""
    radius = int(np.ceil(TRUNCATE * sigma_px))
    x = np.arange(-radius, radius + 1)
    smooth = np.exp(-0.5 * (x / sigma_px) ** 2)
    smooth /= smooth.sum()
    return smooth.astype(np.float32), (smooth * x / sigma_px**2).astype(np.float32)


def derivatives(
    images: NDArray, smooth: NDArray[np.float32], slope: NDArray[np.float32]
) -> NDArray[np.float32]:
    """x and y derivatives `[n, 2, h', w']` of images `[n, h, w]`, inside the border."""
    n, height, width = images.shape
    border = len(smooth) - 1
    result = np.empty((n, 2, height - border, width - border), np.float32)
    _derivatives(np.ascontiguousarray(images, np.float32), smooth, slope, result)
    return result


def _dilate(mask: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """The mask widened by a square of `2 radius + 1` pixels."""
    for axis in (0, 1):
        wide = mask.copy()
        for shift in range(1, radius + 1):
            ahead = [slice(None), slice(None)]
            behind = [slice(None), slice(None)]
            ahead[axis], behind[axis] = slice(shift, None), slice(None, -shift)
            wide[tuple(ahead)] |= mask[tuple(behind)]
            wide[tuple(behind)] |= mask[tuple(ahead)]
        mask = wide
    return mask


@numba.njit(parallel=True, fastmath=True, cache=True)
def _derivatives(images, smooth, slope, result):  # pragma: no cover - compiled
    for i in numba.prange(len(images)):
        _derive(images[i], smooth, slope, result[i, 0], result[i, 1])


@numba.njit(parallel=True, fastmath=True, cache=True)
def _correlate(images, smooth, slope, fixed, weight, result):  # pragma: no cover - compiled
    total = np.float64(weight.sum())
    for i in numba.prange(len(images)):
        own = np.empty_like(fixed)
        _derive(images[i], smooth, slope, own[0], own[1])
        score = np.float64(0.0)
        for axis in range(2):
            first = second = product = np.float64(0.0)
            for row in range(weight.shape[0]):
                a, b, c = np.float32(0.0), np.float32(0.0), np.float32(0.0)
                for column in range(weight.shape[1]):
                    value = own[axis, row, column]
                    weighted = value * weight[row, column]
                    a += weighted
                    b += weighted * value
                    c += value * fixed[axis, row, column]
                first, second, product = first + a, second + b, product + c
            variance = second - first * first / total
            if variance > 1e-20:
                score += 0.5 * product / np.sqrt(variance)
        result[i] = score


@numba.njit(fastmath=True, cache=True)
def _derive(image, smooth, slope, along_x, along_y):  # pragma: no cover - compiled
    taps = smooth.size
    height, width = along_x.shape
    smoothed, sloped = np.empty(image.shape[1], np.float32), np.empty(image.shape[1], np.float32)
    for row in range(height):
        smoothed[:] = 0.0
        sloped[:] = 0.0
        for k in range(taps):
            for column in range(image.shape[1]):
                smoothed[column] += smooth[k] * image[row + k, column]
                sloped[column] += slope[k] * image[row + k, column]
        for column in range(width):
            along_x[row, column] = 0.0
            along_y[row, column] = 0.0
        for k in range(taps):
            for column in range(width):
                along_x[row, column] += slope[k] * smoothed[column + k]
                along_y[row, column] += smooth[k] * sloped[column + k]
