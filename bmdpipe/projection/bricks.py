"""Which parts of a volume are empty: a coarse note for engines that go ray by ray."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SHIFT = 3
BRICK = 1 << SHIFT


def bricks_of(values: NDArray) -> NDArray[np.uint8]:
    """For `[z, y, x]`: 1 for each brick of 8 x 8 x 8 voxels in which a sample may not be 0.

    Interpolation at a place also reads the next voxel along each axis: a brick counts that layer.
    """
    held = np.stack([_along(slab != 0, (0, 1)) for slab in values])
    return _along(held, (0,)).astype(np.uint8)


def _along(some: NDArray[np.bool_], axes: tuple[int, ...]) -> NDArray[np.bool_]:
    for axis in axes:
        starts = np.arange(0, some.shape[axis], BRICK)
        grouped = np.logical_or.reduceat(some, starts, axis=axis)
        head = [slice(None)] * some.ndim
        head[axis] = slice(0, len(starts) - 1)
        grouped[tuple(head)] |= np.take(some, starts[1:], axis=axis)
        some = grouped
    return some
