"""The part of a radiograph around a projected body, at the pixel size of a level."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bmdpipe.geometry.camera import Camera
from bmdpipe.registration.similarity import NothingToCompareError


@dataclass(frozen=True)
class Window:
    """Area averages `[h, w]` of the radiograph, the camera of these pixels, and which are known."""

    image: NDArray[np.float32]
    camera: Camera
    known: NDArray[np.bool_]


def window_around(
    image: NDArray,
    camera: Camera,
    points_mm: NDArray,
    pixel_mm: float,
    margin_mm: float,
    cut: tuple[bool, bool] = (False, False),
) -> Window:
    """The box of camera-frame points `[n, 3]` on the detector, widened by a margin.

    It is not widened below and above where `cut` says so, and it ends at the radiograph's edge.
    Raises NothingToCompareError if nothing of it lies inside.
    """
    spacing = np.asarray(camera.spacing_mm)
    pixels = camera.pixels_of(points_mm)
    below, above = (0.0 if c else margin_mm for c in cut)
    low = pixels.min(axis=0) - [margin_mm, above] / spacing
    high = pixels.max(axis=0) + [margin_mm, below] / spacing
    low = np.maximum(low, -0.5)
    high = np.minimum(high, np.asarray(camera.size_px) - 0.5)
    count = np.floor((high - low) * spacing / pixel_mm).astype(int)
    if count.min() < 1:
        raise NothingToCompareError("the body projects outside the radiograph")
    factor = pixel_mm / spacing
    first = (low + high - count * factor) / 2
    u0, v0 = camera.principal_point_px
    level = Camera(
        camera.sdd_mm,
        (pixel_mm, pixel_mm),
        (int(count[0]), int(count[1])),
        (
            float((u0 - first[0]) / factor[0] - 0.5),
            float((v0 - first[1]) / factor[1] - 0.5),
        ),
    )
    across = _overlaps(image.shape[1], float(first[0]), float(factor[0]), int(count[0]))
    down = _overlaps(image.shape[0], float(first[1]), float(factor[1]), int(count[1]))
    finite = np.isfinite(image)
    values = down @ np.where(finite, image, 0).astype(np.float64) @ across.T
    known = down @ finite.astype(np.float64) @ across.T > 1 - 1e-6
    return Window(values.astype(np.float32), level, known)


def _overlaps(size: int, first: float, factor: float, count: int) -> NDArray[np.float64]:
    """`[count, size]`: which share of each new pixel each old one fills; `first` is an edge."""
    left = first + factor * np.arange(count)[:, None]
    old = np.arange(size)[None, :] - 0.5
    shared = np.minimum(left + factor, old + 1) - np.maximum(left, old)
    return np.clip(shared, 0, None) / factor
