"""A row of pictures that shows whether a density projection fits its radiograph."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bmdpipe.projection.picture import Rgb, grey, outlined

CONTOUR = (255, 160, 0)


def montage_row(radiograph: NDArray, bones: NDArray, pf: NDArray, width: int = 240) -> Rgb:
    """Radiograph, bones, proximal femur, and the proximal femur's contour on the radiograph.

    The three images show one field of view; pixels may differ in size.
    """
    height = round(radiograph.shape[0] * width / radiograph.shape[1])
    film, bone, femur = (_resampled(image, (height, width)) for image in (radiograph, bones, pf))
    drawn = outlined(grey(film), femur > 0, CONTOUR)
    return np.concatenate([grey(film), grey(bone, 0, 99.9), grey(femur, 0, 99.9), drawn], axis=1)


def _resampled(image: NDArray, shape: tuple[int, int]) -> NDArray[np.float32]:
    steps = [n / m for n, m in zip(image.shape, shape, strict=True)]
    soft = ndimage.gaussian_filter(image.astype(np.float32), [max(0.0, s - 1) / 2 for s in steps])
    grid = np.meshgrid(
        *[(np.arange(m) + 0.5) * s - 0.5 for m, s in zip(shape, steps, strict=True)], indexing="ij"
    )
    return ndimage.map_coordinates(soft, grid, order=1, mode="nearest")
