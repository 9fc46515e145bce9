"""The femoral head as a sphere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bmdpipe.densitometry.distance_field import DistanceField

RAYS = 1200
CAP_DEG = 100.0
ROUNDS = 6


@dataclass(frozen=True)
class Head:
    """`residual_mm` is the root mean square of the points that lie on the sphere, `share` how many
    of the cap's points do."""

    centre_mm: NDArray[np.float64]
    radius_mm: float
    residual_mm: float
    share: float


def fit_head(field: DistanceField, centre_mm: NDArray, radius_mm: float, outward: NDArray) -> Head:
    """The sphere through the surface around a first guess, on the side that points `outward`.

    Points off the sphere (fovea, osteophytes, neck) are down-weighted (Tukey).
    """
    directions = fibonacci_sphere(RAYS)
    directions = directions[directions @ outward > np.cos(np.radians(CAP_DEG))]
    centre, radius = np.asarray(centre_mm, dtype=float), float(radius_mm)
    residual, share = np.inf, 0.0
    for _ in range(ROUNDS):
        reach = field.exits(np.broadcast_to(centre, directions.shape), directions, 1.6 * radius)
        points = (centre + reach[:, None] * directions)[np.isfinite(reach)]
        if len(points) < 50:
            return Head(centre, radius, np.inf, 0.0)
        for _ in range(5):
            miss = np.linalg.norm(points - centre, axis=1) - radius
            scale = max(1.4826 * float(np.median(np.abs(miss))), 0.3)
            weights = np.clip(1 - (miss / (4.0 * scale)) ** 2, 0, None) ** 2
            centre, radius = _weighted_sphere(points, weights)
        miss = np.linalg.norm(points - centre, axis=1) - radius
        on = np.abs(miss) < 1.5
        share = float(on.mean())
        residual = float(np.sqrt((miss[on] ** 2).mean())) if on.any() else np.inf
    return Head(centre, radius, residual, share)


def fibonacci_sphere(count: int) -> NDArray[np.float64]:
    """Nearly even unit vectors `[count, 3]`."""
    n = np.arange(count) + 0.5
    z = 1 - 2 * n / count
    angle = np.pi * (1 + 5**0.5) * n
    ring = np.sqrt(1 - z**2)
    return np.stack([ring * np.cos(angle), ring * np.sin(angle), z], axis=1)


def _weighted_sphere(points: NDArray, weights: NDArray) -> tuple[NDArray[np.float64], float]:
    """Algebraic least squares: |p|^2 = 2 p.c + (r^2 - |c|^2), about the points' mean."""
    origin = points.mean(axis=0)
    local = points - origin
    root = np.sqrt(weights)[:, None]
    design = np.column_stack([2 * local, np.ones(len(local))])
    target = (local**2).sum(axis=1, keepdims=True)
    solution, *_ = np.linalg.lstsq(design * root, target * root, rcond=None)
    centre = solution[:3, 0]
    return centre + origin, float(np.sqrt(max(solution[3, 0] + centre @ centre, 1e-6)))
