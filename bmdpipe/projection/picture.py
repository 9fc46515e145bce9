"""Small pictures of radiographs and projections: grey images, outlines, PNG."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bmdpipe.core.atomic import atomic_path

Rgb = NDArray[np.uint8]
Colour = tuple[int, int, int]


def grey(image: NDArray, low: float = 1.0, high: float = 99.5) -> Rgb:
    """An image `[h, w, 3]` between two percentiles of its finite values; the rest is black."""
    finite = np.isfinite(image)
    if not finite.any():
        return np.zeros((*image.shape, 3), np.uint8)
    dark, bright = np.percentile(image[finite], [low, high])
    scaled = (np.where(finite, image, dark) - dark) / max(float(bright - dark), 1e-12)
    return np.repeat((255 * np.clip(scaled, 0, 1)).astype(np.uint8)[..., None], 3, axis=2)


def outlined(picture: Rgb, mask: NDArray[np.bool_], colour: Colour) -> Rgb:
    """The picture with the mask's border drawn on it, one pixel wide."""
    result = picture.copy()
    result[mask & ~ndimage.binary_erosion(mask)] = colour
    return result


def write_png(path: Path, picture: Rgb) -> None:
    """Write a picture atomically."""
    from matplotlib.image import imsave

    with atomic_path(Path(path)) as part:
        imsave(part, picture)
