"""How disc-like an image is around each pixel, bright or dark, whatever the contrast."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

BLUR_MM = 1.5
SOFT_HU = (-200.0, 500.0)
"""Edges against air or metal are clipped to this range, so that they do not drown a rod's."""
MIN_EDGE_HU_PER_MM = 0.5


def disc_response(
    image: NDArray, spacing_mm: tuple[float, float], radii_mm: Sequence[float]
) -> NDArray[np.float32]:
    """Agreement `[radius, y, x]`, -1 to 1, of the gradient's direction with a circle's normals.

    +1: the whole circle about this pixel is the edge of a brighter disc, -1 of a darker one;
    straight edges and noise average out. `spacing_mm` is (x, y).
    Idea: radial symmetry (Loy & Zelinsky 2003).
    """
    sx, sy = spacing_mm
    clipped = np.clip(image, *SOFT_HU).astype(np.float32)
    sigma = (BLUR_MM / sy, BLUR_MM / sx)
    gy = ndimage.gaussian_filter(clipped, sigma, order=(1, 0)) / sy
    gx = ndimage.gaussian_filter(clipped, sigma, order=(0, 1)) / sx
    size = np.hypot(gx, gy)
    tissue = (clipped > -150) & (clipped < 350)
    noise = float(np.median(size[tissue])) if tissue.any() else 0.0
    size = np.sqrt(size**2 + max(noise, MIN_EDGE_HU_PER_MM) ** 2)

    reach = max(radii_mm) + 2 * BLUR_MM
    half_y, half_x = int(np.ceil(reach / sy)), int(np.ceil(reach / sx))
    y, x = np.mgrid[-half_y : half_y + 1, -half_x : half_x + 1]
    y, x = y * sy, x * sx
    distance = np.hypot(x, y)
    height, width = image.shape
    shape = (
        fft.next_fast_len(height + 2 * half_y, real=True),
        fft.next_fast_len(width + 2 * half_x, real=True),
    )
    along_x = fft.rfft2(gx / size, shape)
    along_y = fft.rfft2(gy / size, shape)
    response = np.empty((len(radii_mm), height, width), np.float32)
    for n, radius in enumerate(radii_mm):
        ring = np.exp(-0.5 * ((distance - radius) / BLUR_MM) ** 2)
        ring /= ring.sum()
        normal = ring / np.maximum(distance, 1e-6)
        spectrum = along_x * fft.rfft2((normal * x).astype(np.float32), shape)
        spectrum += along_y * fft.rfft2((normal * y).astype(np.float32), shape)
        # A convolution mirrors the kernel and so turns the normal inward: bright is positive.
        full = fft.irfft2(spectrum, shape)
        response[n] = full[half_y : half_y + height, half_x : half_x + width]
    return response
