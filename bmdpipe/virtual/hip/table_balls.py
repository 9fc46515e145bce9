"""Balls around the primitives of a table, to tell early which cannot reach a place."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from bmdpipe.virtual.shape.primitives import SLAB, Table


def balls_around(table: Table) -> NDArray[np.float64]:
    """A ball (x, y, z, r) around each cone or sheet."""
    corners = table[:, :9].reshape(-1, 3, 3)
    sheet = table[:, 15] == SLAB
    corners = np.where(sheet[:, None, None] | (np.arange(3) < 2)[None, :, None], corners, np.nan)
    middle = np.nanmean(corners, axis=1)
    radius = np.nanmax(np.linalg.norm(corners - middle[:, None], axis=2), axis=1)
    return np.column_stack([middle, radius + table[:, 9:12].max(axis=1)])


@numba.njit(error_model="numpy", cache=True, inline="always")
def beyond(balls, q, x, y, z, margin):  # pragma: no cover - compiled
    """Whether row `q` is surely further from a place than a margin, mm."""
    dx, dy, dz = x - balls[q, 0], y - balls[q, 1], z - balls[q, 2]
    far = balls[q, 3] + margin
    return dx * dx + dy * dy + dz * dz > far * far
