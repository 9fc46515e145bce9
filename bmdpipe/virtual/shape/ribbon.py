"""Flat bones as strips of slabs: ribs, laminae, processes; and tables of primitives moved."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bmdpipe.geometry.pose import Matrix
from bmdpipe.virtual.shape.primitives import CONE, CUP, SLAB, Table, slab


def ribbon(
    path: ArrayLike,
    across: ArrayLike,
    half_widths: ArrayLike,
    radii: ArrayLike,
    blend: float,
    cortex: float,
    trabecular: float,
) -> list[Table]:
    """Two slabs per piece of a path `[n, 3]`: a strip that reaches `half_widths` along the unit
    vectors `across` to both sides, and `radii` beyond in every direction."""
    points = np.atleast_2d(np.asarray(path, float))
    n = len(points)
    reach = np.broadcast_to(np.asarray(half_widths, float), n)[:, None]
    side = np.broadcast_to(np.asarray(across, float), (n, 3)) * reach
    radius = np.broadcast_to(np.asarray(radii, float), n)
    upper, lower = points + side, points - side
    rows = []
    for i in range(n - 1):
        first = [upper[i], lower[i], upper[i + 1]]
        second = [lower[i], lower[i + 1], upper[i + 1]]
        rows.append(slab(first, [radius[i], radius[i], radius[i + 1]], blend, cortex, trabecular))
        rows.append(
            slab(second, [radius[i], radius[i + 1], radius[i + 1]], blend, cortex, trabecular)
        )
    return rows


def moved(table: Table, pose: Matrix) -> Table:
    """The same primitives, moved rigidly."""
    result = table.copy()
    turn, shift = pose[:3, :3], pose[:3, 3]
    kind = table[:, 15]
    result[:, 0:3] = table[:, 0:3] @ turn.T + shift
    second_is_point = (kind == CONE) | (kind == SLAB)
    result[:, 3:6] = table[:, 3:6] @ turn.T + np.where(second_is_point[:, None], shift, 0.0)
    result[:, 6:9] = table[:, 6:9] @ turn.T + np.where((kind == SLAB)[:, None], shift, 0.0)
    return result


def box_of(table: Table, margin_mm: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The corners of a box around all primitives, widened by a margin."""
    kind = table[:, 15]
    balls = (kind >= CUP)[:, None]
    radius = np.where(balls, table[:, 9:12].max(axis=1, keepdims=True), table[:, 9:10])
    reach = np.maximum(radius, np.where(balls, radius, table[:, 10:12].max(axis=1, keepdims=True)))
    points = [table[:, 0:3]]
    points.append(np.where(balls, table[:, 0:3], table[:, 3:6]))
    points.append(np.where((kind == SLAB)[:, None], table[:, 6:9], table[:, 0:3]))
    low = np.min([(p - reach).min(axis=0) for p in points], axis=0)
    high = np.max([(p + reach).max(axis=0) for p in points], axis=0)
    return low - margin_mm, high + margin_mm
