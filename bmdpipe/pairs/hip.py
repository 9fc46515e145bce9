"""The hip window: which part of a radiograph becomes a hip image, and how its pixels get there.

Every image of one radiograph (itself, its density projections) covers the same area of the
detector with its own pixel size. A window is therefore given in millimetres from that area's upper
left corner, and the camera of the hip image follows from it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.image import Image
from bmdpipe.geometry.camera import Camera


@dataclass(frozen=True)
class HipWindow:
    """A rectangle of the detector that becomes an image of `size_px` (width, height)."""

    left_mm: float
    top_mm: float
    width_mm: float
    height_mm: float
    size_px: tuple[int, int]
    mirrored: bool

    @property
    def spacing_mm(self) -> tuple[float, float]:
        return self.width_mm / self.size_px[0], self.height_mm / self.size_px[1]


def hip_window(
    area_mm: tuple[float, float], side: str, size_px: tuple[int, int], mirrored: bool = False
) -> HipWindow:
    """The window of the patient's `side` in a radiograph that covers `area_mm` (width, height).

    The radiograph is split at its vertical middle; of the half (the right hip lies on the image's
    left) the largest window of the wanted shape with the same centre is taken.
    Source: Gu 2023 §3.1.
    """
    half_width, height = area_mm[0] / 2, area_mm[1]
    scale = min(half_width / size_px[0], height / size_px[1])
    window_width, window_height = size_px[0] * scale, size_px[1] * scale
    half_left = {"R": 0.0, "L": half_width}[side]
    return HipWindow(
        left_mm=half_left + (half_width - window_width) / 2,
        top_mm=(height - window_height) / 2,
        width_mm=window_width,
        height_mm=window_height,
        size_px=size_px,
        mirrored=mirrored,
    )


def area_of(camera: Camera) -> tuple[float, float]:
    """Width and height of the detector area that a camera's image covers, mm."""
    return (
        camera.size_px[0] * camera.spacing_mm[0],
        camera.size_px[1] * camera.spacing_mm[1],
    )


def hip_camera(camera: Camera, window: HipWindow) -> Camera:
    """The camera of the hip image that `window` cuts from an image of `camera`."""
    spacing = window.spacing_mm
    corner = (window.left_mm, window.top_mm)
    u, v = (
        ((camera.principal_point_px[axis] + 0.5) * camera.spacing_mm[axis] - corner[axis])
        / spacing[axis]
        - 0.5
        for axis in (0, 1)
    )
    cut = replace(camera, spacing_mm=spacing, size_px=window.size_px, principal_point_px=(u, v))
    return cut.mirrored() if window.mirrored else cut


def hip_image(image: Image, window: HipWindow) -> NDArray[np.float32]:
    """The window's pixels `[h, w]`, anti-aliased where they are larger than the image's.

    Values keep their unit: each pixel is a weighted mean of what it covers.
    """
    width, height = window.size_px
    columns = _weights(
        image.size_px[0], image.spacing_mm[0], window.left_mm, window.width_mm, width
    )
    rows = _weights(image.size_px[1], image.spacing_mm[1], window.top_mm, window.height_mm, height)
    cut = (rows @ image.array.astype(np.float64) @ columns.T).astype(np.float32)
    return np.ascontiguousarray(cut[:, ::-1]) if window.mirrored else cut


def _weights(
    n_in: int, spacing_mm: float, start_mm: float, length_mm: float, n_out: int
) -> NDArray[np.float64]:
    """Matrix `[n_out, n_in]`, rows sum to 1: a triangle two pixels of the coarser grid wide."""
    step = length_mm / n_out / spacing_mm
    centres = (start_mm / spacing_mm) + (np.arange(n_out) + 0.5) * step - 0.5
    distance = np.abs(np.arange(n_in)[None, :] - centres[:, None])
    weights = np.clip(1.0 - distance / max(step, 1.0), 0.0, None)
    return weights / weights.sum(axis=1, keepdims=True)
