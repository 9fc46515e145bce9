"""The HU of a patient's own air, fat, muscle and blood."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bmdpipe.core.volume import Volume
from bmdpipe.densitometry.vessels import blood_hu
from bmdpipe.imaging.body_mask import body_mask

AIR_HU = (-1100.0, -850.0)
FAT_HU = (-150.0, -50.0)
MUSCLE_HU = (10.0, 100.0)
SMOOTHED_HU = 5.0
AIR_MM = (6.0, 40.0)
"""From the skin."""
AIR_SLICES = 24
MIN_AIR_VOXELS = 1000
INNER_MM = 6.0
"""Skin, and the blur about it, do not count as fat."""
MIN_SHARE = 0.01
"""Of the body, that a tissue must make up around its mode."""


def tissue_hu(ct: Volume) -> dict[str, float | None]:
    """HU of `air`, `adipose`, `muscle` and `blood`; None where a tissue is not found.

    Air is that about the body; fat and muscle are modes; blood is that of large vessels.
    Raises ValueError if there is no body.
    """
    body = body_mask(ct)
    sx, sy, _ = ct.spacing_mm
    reach = int(np.ceil(INNER_MM / max(sx, sy)))
    inner = np.stack([ndimage.binary_erosion(plane, iterations=reach) for plane in body])
    values = ct.array[inner]
    return {
        "air": _air(ct, body),
        "adipose": _mode(values, FAT_HU),
        "muscle": _mode(values, MUSCLE_HU),
        "blood": blood_hu(ct, body),
    }


def _air(ct: Volume, body: NDArray[np.bool_]) -> float | None:
    """The median near the skin, where every scanner measures: further out may be padding. Values
    clipped at the scale's end count, or noise would raise the rest."""
    spacing = ct.spacing_mm[1], ct.spacing_mm[0]
    found = []
    for k in range(0, len(body), max(len(body) // AIR_SLICES, 1)):
        distance = ndimage.distance_transform_edt(~body[k], sampling=spacing)
        values = ct.array[k][(distance > AIR_MM[0]) & (distance < AIR_MM[1])]
        found.append(values[(values >= AIR_HU[0]) & (values <= AIR_HU[1])])
    near = np.concatenate(found)
    return float(np.median(near)) if near.size >= MIN_AIR_VOXELS else None


def _mode(values: NDArray, window: tuple[float, float]) -> float | None:
    """The highest peak of the smoothed histogram inside a window, to a fraction of a unit."""
    edges = np.arange(window[0] - 30.0, window[1] + 31.0)
    counts = ndimage.gaussian_filter1d(np.histogram(values, edges)[0].astype(float), SMOOTHED_HU)
    centres = (edges[:-1] + edges[1:] - 1.0) / 2.0
    inside = (centres >= window[0]) & (centres <= window[1])
    k = int(np.flatnonzero(inside)[np.argmax(counts[inside])])
    before, here, after = counts[k - 1 : k + 2]
    near = np.abs(centres - centres[k]) <= 2.0 * SMOOTHED_HU
    if not before < here > after or counts[near].sum() < MIN_SHARE * values.size:
        return None
    return float(centres[k] + 0.5 * (before - after) / (before - 2.0 * here + after))
