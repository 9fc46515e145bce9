"""The exact path through voxels of constant value, compiled by numba.

Source: Siddon 1985, Med Phys 12(2); stepped from border to border.
"""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(parallel=True, cache=True)
def add_images(values, strides, size, views, images):  # pragma: no cover - compiled
    n, height, width = images.shape
    for job in numba.prange(n * height):
        image, row = job // height, job % height
        for column in range(width):
            images[image, row, column] += _path(values, strides, size, views[image], column, row)


@numba.njit(cache=True)
def _path(values, strides, size, view, column, row):  # pragma: no cover - compiled
    x, y, z = (column - view[15]) * view[13], (row - view[16]) * view[14], view[12]
    start, step = np.empty(3), np.empty(3)
    near, far = 0.0, 1.0
    for axis in range(3):
        start[axis] = view[4 * axis + 3] + 0.5
        step[axis] = view[4 * axis] * x + view[4 * axis + 1] * y + view[4 * axis + 2] * z
        if abs(step[axis]) < 1e-12:
            if start[axis] <= 0.0 or start[axis] >= size[axis]:
                return np.float32(0.0)
        else:
            a, b = -start[axis] / step[axis], (size[axis] - start[axis]) / step[axis]
            near, far = max(near, min(a, b)), min(far, max(a, b))
    if near >= far:
        return np.float32(0.0)
    voxel, border = np.empty(3, np.int64), np.full(3, np.inf)
    for axis in range(3):
        at = start[axis] + near * step[axis]
        if step[axis] > 0:
            voxel[axis] = int(np.floor(at + 1e-9))
            border[axis] = (voxel[axis] + 1 - start[axis]) / step[axis]
        elif step[axis] < 0:
            voxel[axis] = int(np.ceil(at - 1e-9)) - 1
            border[axis] = (voxel[axis] - start[axis]) / step[axis]
        else:
            voxel[axis] = int(np.floor(at))
        voxel[axis] = min(max(voxel[axis], 0), size[axis] - 1)
    total, now = 0.0, near
    while now < far:
        axis = 0
        if border[1] < border[axis]:
            axis = 1
        if border[2] < border[axis]:
            axis = 2
        until = min(border[axis], far)
        at = voxel[0] * strides[0] + voxel[1] * strides[1] + voxel[2] * strides[2]
        total += max(until - now, 0.0) * values[at]
        now = until
        if border[axis] >= far:
            break
        voxel[axis] += 1 if step[axis] > 0 else -1
        if voxel[axis] < 0 or voxel[axis] >= size[axis]:
            break
        border[axis] += 1.0 / abs(step[axis])
    return np.float32(total * np.sqrt(x * x + y * y + z * z))
