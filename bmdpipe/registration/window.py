"""The part of a radiograph around a projected body, at the pixel size of a level."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

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
    columns, across = _overlaps(image.shape[1], float(first[0]), float(factor[0]), int(count[0]))
    rows, down = _overlaps(image.shape[0], float(first[1]), float(factor[1]), int(count[1]))
    part = image[rows, columns]
    finite = np.isfinite(part)
    values = across @ (down @ np.where(finite, part, 0).astype(np.float64)).T
    if finite.all():
        known = np.ones(values.T.shape, bool)
    else:
        known = (across @ (down @ finite.astype(np.float64)).T).T > 1 - 1e-6
    return Window(np.ascontiguousarray(values.T, dtype=np.float32), level, known)


def _overlaps(
    size: int, first: float, factor: float, count: int
) -> tuple[slice, sparse.csr_matrix]:
    """The old pixels that are needed, and `[count, needed]`: which share of each new pixel each of
    them fills; `first` is an edge."""
    low = max(0, int(np.floor(first + 0.5)))
    high = min(size, int(np.ceil(first + factor * count + 0.5)))
    reach = int(np.ceil(factor)) + 1
    left = first + factor * np.arange(count)[:, None]
    old = np.floor(left + 0.5).astype(int) + np.arange(reach)
    shared = np.minimum(left + factor, old + 0.5) - np.maximum(left, old - 0.5)
    shared = np.where((old >= low) & (old < high), np.clip(shared, 0, None) / factor, 0.0)
    new = np.broadcast_to(np.arange(count)[:, None], old.shape)
    at = np.clip(old - low, 0, high - low - 1)
    entries = (shared.ravel(), (new.ravel(), at.ravel()))
    return slice(low, high), sparse.csr_matrix(entries, shape=(count, high - low))
