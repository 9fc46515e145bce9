"""Signed distances (mm, negative inside) of a head's shapes at points `[..., 3]`.

Distances are exact on the surface and approximate away from it, which is where they are used: the
share of a voxel inside a shape is taken from its centre's distance.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Field = NDArray[np.float32]


def ellipsoid(points: NDArray, centre: ArrayLike, axes: ArrayLike) -> Field:
    """First-order distance of an ellipsoid: f |f / grad f| with f = |p / axes|."""
    a = np.asarray(axes, dtype=np.float32)
    p = points - np.asarray(centre, dtype=np.float32)
    q = p / a
    f = np.sqrt((q * q).sum(axis=-1))
    slope = np.sqrt(((q / a) ** 2).sum(axis=-1))
    return (f - 1) * f / np.maximum(slope, 1e-6)


def tube(points: NDArray, path: ArrayLike, radii: ArrayLike) -> Field:
    """A chain of round cones along a path `[k, 3]` with a radius at each of its points."""
    ends = np.asarray(path, dtype=np.float32)
    sizes = np.asarray(radii, dtype=np.float32)
    nearest = np.full(points.shape[:-1], np.inf, np.float32)
    for a, b, ra, rb in zip(ends, ends[1:], sizes, sizes[1:], strict=False):
        along = b - a
        t = np.clip((points - a) @ along / (along @ along), 0, 1)
        gap = points - (a + t[..., None] * along)
        nearest = np.minimum(nearest, np.sqrt((gap * gap).sum(axis=-1)) - (ra + t * (rb - ra)))
    return nearest


def share_inside(distance: NDArray, voxel_mm: float) -> Field:
    """The share of a voxel that lies inside, from 1 half a voxel inside to 0 half outside."""
    return np.clip(0.5 - distance / voxel_mm, 0, 1).astype(np.float32)
