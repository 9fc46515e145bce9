"""A label map as a shaded surface, seen along an axis of the patient."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bmdpipe.core.labels import FEMUR_L, FEMUR_R, PELVIS
from bmdpipe.core.volume import Volume

COLOURS = {PELVIS: (0.93, 0.80, 0.55), FEMUR_R: (0.88, 0.42, 0.38), FEMUR_L: (0.40, 0.62, 0.88)}
LIGHT = (0.35, -0.45, 0.82)
"""Towards the light: to the viewer's right, up, and to the viewer."""
SMOOTH_PX = 1.0


def surface_picture(
    labels: Volume, from_behind: bool = False, pixel_mm: float = 1.0
) -> NDArray[np.float32]:
    """The bones seen from the front (or behind) in parallel rays, RGB in 0..1 `[y, x, 3]`, white
    around; the head's end is up. The brightness follows the surface's slope to the light.
    """
    step = pixel_mm / np.asarray(labels.spacing_mm[::-1])
    array = ndimage.zoom(labels.array, 1 / step, order=0)
    array = array[::-1] if not from_behind else array[::-1, ::-1, ::-1]
    picture = np.ones((array.shape[0], array.shape[2], 3), dtype=np.float32)
    hit = array > 0
    seen = hit.any(axis=1)
    # How far the first bone along y is from the viewer, smooth between the voxels.
    depth = np.where(seen, hit.argmax(axis=1), array.shape[1]).astype(float)
    smooth = ndimage.gaussian_filter(depth, SMOOTH_PX)
    down, right = np.gradient(smooth)
    normal = np.stack([right, down, np.ones_like(down)], axis=-1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    bright = np.clip(normal @ (np.asarray(LIGHT) / np.linalg.norm(LIGHT)), 0, 1)
    first = np.take_along_axis(array, hit.argmax(axis=1)[:, None], axis=1)[:, 0]
    for label, colour in COLOURS.items():
        where = seen & (first == label)
        shaded = np.asarray(colour) * (0.25 + 0.75 * bright[where][:, None])
        picture[where] = shaded
    return picture
