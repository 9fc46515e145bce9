"""Smooth chains and sheets of primitives through a few points with radii.

A point is (x, y, z, radius), all mm; the radius is half the bone's thickness there and is
interpolated like a fourth coordinate. Beyond an open end the line goes straight on.
Source: Catmull and Rom 1974, the cubic with central tangents.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from bmdpipe.virtual.shape.primitives import CONE, SLAB, Table, rows

Points = NDArray[np.float64]


@cache
def spline_matrix(n: int, per: int, closed: bool) -> NDArray[np.float64]:
    """Weights `[samples, n]` of the points for `per` samples from each point to the next."""
    segments = n if closed else n - 1
    matrix = np.zeros((segments * per + (0 if closed else 1), n))
    for sample, weights in enumerate(matrix):
        at = min(sample // per, segments - 1)
        t = sample / per - at
        cubic = (
            -(t**3) + 2 * t**2 - t,
            3 * t**3 - 5 * t**2 + 2,
            -3 * t**3 + 4 * t**2 + t,
            t**3 - t**2,
        )
        for point, weight in zip(range(at - 1, at + 3), cubic, strict=True):
            if closed:
                weights[point % n] += 0.5 * weight
            elif 0 <= point < n:
                weights[point] += 0.5 * weight
            else:
                end, inner = (0, 1) if point < 0 else (n - 1, n - 2)
                weights[end] += weight
                weights[inner] -= 0.5 * weight
    return matrix


def curve(points: Points, per: int) -> Points:
    """Samples `[m, 4]` of the open curve through points `[n, 4]`."""
    return spline_matrix(len(points), per, False) @ points


def surface(points: Points, per: tuple[int, int], closed: bool) -> Points:
    """Samples `[k, m, 4]` of the sheet through `[a, b, 4]`; `closed` joins the ends of its rows."""
    down = spline_matrix(points.shape[0], per[0], False)
    along = spline_matrix(points.shape[1], per[1], closed)
    return np.einsum("an,bm,nmc->abc", down, along, points)


def chain(samples: Points, part: int, blend: float, cortex: float, trabecular: float) -> Table:
    """Rounded cones along samples of a curve, one part."""
    geometry = np.zeros((len(samples) - 1, 12))
    geometry[:, 0:3], geometry[:, 3:6] = samples[:-1, :3], samples[1:, :3]
    geometry[:, 9], geometry[:, 10] = samples[:-1, 3], samples[1:, 3]
    return rows(geometry, CONE, part, blend, cortex, trabecular)


def sheet(
    samples: Points, closed: bool, part: int, blend: float, cortex: float, trabecular: float
) -> Table:
    """Triangles over samples of a sheet, one part; diagonals alternate so that none leads."""
    if closed:
        samples = np.concatenate([samples, samples[:, :1]], axis=1)
    a, b, c, d = samples[:-1, :-1], samples[:-1, 1:], samples[1:, 1:], samples[1:, :-1]
    i, j = np.indices(a.shape[:2])
    even = ((i + j) % 2 == 0)[..., None, None]
    first = np.where(even, np.stack([a, b, c], axis=2), np.stack([a, b, d], axis=2))
    second = np.where(even, np.stack([a, c, d], axis=2), np.stack([b, c, d], axis=2))
    corners = np.stack([first, second], axis=2).reshape(-1, 3, 4)
    geometry = np.concatenate([corners[..., :3].reshape(-1, 9), corners[..., 3]], axis=1)
    return rows(geometry, SLAB, part, blend, cortex, trabecular)
