"""Joseph's method, compiled by numba: images and jets.

Source: Joseph 1982, IEEE TMI 1(3): along a ray's principal axis one sample per slice, bilinear in
the slice, times the length of the step.
"""

from __future__ import annotations

import numba
import numpy as np

from bmdpipe.projection.bricks import BRICK, SHIFT


@numba.njit(parallel=True, fastmath=True, cache=True)
def add_images(values, bricks, strides, size, views, images):  # pragma: no cover - compiled
    n, height, width = images.shape
    for job in numba.prange(n * height):
        image, row = job // height, job % height
        for column in range(width):
            sums = _sums(values, bricks, strides, size, views[image], column, row)
            images[image, row, column] += sums[0]


@numba.njit(parallel=True, fastmath=True, cache=True)
def add_jets(values, bricks, strides, size, views, images):  # pragma: no cover - compiled
    n, _, height, width = images.shape
    for job in numba.prange(n * height):
        image, row = job // height, job % height
        for column in range(width):
            sums = _sums(values, bricks, strides, size, views[image], column, row)
            for i in range(5):
                images[image, i, row, column] += sums[i]


@numba.njit(fastmath=True, cache=True)
def _sums(values, bricks, strides, size, view, column, row):  # pragma: no cover - compiled
    """Sums over slices, times mm per slice: the value, its slopes along b and c and t times them.

    `size` and `strides` (elements of the flat `values`) are in the order x, y, z. A ray leaves an
    empty one of the `bricks` `[z, y, x]` in one step.
    """
    x, y, z = (column - view[15]) * view[13], (row - view[16]) * view[14], view[12]
    sx, sy, sz = view[3], view[7], view[11]
    dx = view[0] * x + view[1] * y + view[2] * z
    dy = view[4] * x + view[5] * y + view[6] * z
    dz = view[8] * x + view[9] * y + view[10] * z

    near, far = 0.0, 1.0
    for axis in range(3):
        start = sx if axis == 0 else (sy if axis == 1 else sz)
        step = dx if axis == 0 else (dy if axis == 1 else dz)
        last = size[axis] - 1.0
        if abs(step) < 1e-12:
            if start <= 0.0 or start >= last:
                far = -1.0
        else:
            a, b = -start / step, (last - start) / step
            near = max(near, min(a, b))
            far = min(far, max(a, b))
    zero = np.float32(0.0)
    total, slope_b, slope_tb, slope_c, slope_tc = zero, zero, zero, zero, zero
    if near >= far:
        return total, slope_b, slope_tb, slope_c, slope_tc

    ax, ay, az = abs(dx), abs(dy), abs(dz)
    if ax >= ay and ax >= az:
        s0, d0, s1, d1, s2, d2 = sx, dx, sy, dy, sz, dz
        a0, a1, a2 = 0, 1, 2
    elif ay >= az:
        s0, d0, s1, d1, s2, d2 = sy, dy, sx, dx, sz, dz
        a0, a1, a2 = 1, 0, 2
    else:
        s0, d0, s1, d1, s2, d2 = sz, dz, sx, dx, sy, dy
        a0, a1, a2 = 2, 0, 1
    stride0, stride1, stride2 = strides[a0], strides[a1], strides[a2]
    enter, leave = s0 + near * d0, s0 + far * d0
    first = int(np.ceil(min(enter, leave) - 1e-9))
    last_slice = int(np.floor(max(enter, leave) + 1e-9))
    slope1, slope2 = d1 / d0, d2 / d0
    limit1, limit2 = size[a1] - 1, size[a2] - 1
    flat_bricks = bricks.reshape(bricks.size)
    brick_x, brick_y = 1, bricks.shape[2]
    brick_z = brick_y * bricks.shape[1]
    brick0 = brick_x if a0 == 0 else (brick_y if a0 == 1 else brick_z)
    brick1 = brick_x if a1 == 0 else brick_y
    brick2 = brick_y if a2 == 1 else brick_z
    along1, along2 = 1.0 / max(abs(slope1), 1e-9), 1.0 / max(abs(slope2), 1e-9)
    k, known = first - 1, first
    while k < last_slice:
        k += 1
        t = k - s0
        p1 = s1 + t * slope1
        p2 = s2 + t * slope2
        i1, i2 = int(np.floor(p1)), int(np.floor(p2))
        if i1 < 0 or i2 < 0 or i1 >= limit1 or i2 >= limit2:
            continue
        if k >= known:  # the ray has come to another brick
            j1, j2 = i1 >> SHIFT, i2 >> SHIFT
            ahead1 = ((j1 + 1) << SHIFT) - p1 if slope1 > 0 else p1 - (j1 << SHIFT)
            ahead2 = ((j2 + 1) << SHIFT) - p2 if slope2 > 0 else p2 - (j2 << SHIFT)
            ahead = min(ahead1 * along1, ahead2 * along2, float(BRICK - (k & (BRICK - 1))))
            known = k + max(int(ahead), 1)
            if not flat_bricks[(k >> SHIFT) * brick0 + j1 * brick1 + j2 * brick2]:
                k = known - 1
                continue
        f1, f2 = np.float32(p1 - i1), np.float32(p2 - i2)
        at = k * stride0 + i1 * stride1 + i2 * stride2
        v00, v01 = np.float32(values[at]), np.float32(values[at + stride1])
        v10 = np.float32(values[at + stride2])
        v11 = np.float32(values[at + stride1 + stride2])
        low, high = v00 + f1 * (v01 - v00), v10 + f1 * (v11 - v10)
        left, right = v01 - v00, v11 - v10
        along_b = left + f2 * (right - left)
        total += low + f2 * (high - low)
        slope_b += along_b
        slope_tb += np.float32(t) * along_b
        slope_c += high - low
        slope_tc += np.float32(t) * (high - low)
    mm = np.float32(np.sqrt(x * x + y * y + z * z) / abs(d0))
    return total * mm, slope_b * mm, slope_tb * mm, slope_c * mm, slope_tc * mm
