"""Line integrals by Joseph's method, compiled, on all the threads that numba is given.

Source: Joseph 1982, IEEE TMI 1(3): along a ray's principal axis one sample per slice, bilinear in
the slice, times the length of the step.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from bmdpipe.geometry.camera import Camera
from bmdpipe.geometry.pose import inverse
from bmdpipe.projection.body import Body


def project(body: Body, camera: Camera, camera_from_world: NDArray) -> NDArray[np.float32]:
    """Line integrals in value x mm: `[h, w]` for one pose `[4, 4]`, `[n, h, w]` for `[n, 4, 4]`.

    The camera looks at the body's world through `camera_from_world`. Only the part of a ray between
    source and detector counts.
    """
    poses = np.asarray(camera_from_world, dtype=np.float64)
    batch = poses if poses.ndim == 3 else poses[None]
    index_from_camera = body.index_from_world @ inverse(batch)
    width, height = camera.size_px
    images = np.zeros((len(batch), height, width), dtype=np.float32)
    _project(
        body.values.reshape(-1),
        np.array(body.values.shape[::-1], dtype=np.int64),
        np.ascontiguousarray(index_from_camera[:, :3, :]),
        np.array([camera.sdd_mm, *camera.spacing_mm, *camera.principal_point_px]),
        images,
    )
    return images if poses.ndim == 3 else images[0]


@numba.njit(parallel=True, fastmath=True, cache=True)
def _project(values, size, index_from_camera, camera, images):  # pragma: no cover - compiled
    n, height, width = images.shape
    for job in numba.prange(n * height):
        image, row = job // height, job % height
        matrix = index_from_camera[image]
        y = (row - camera[4]) * camera[2]
        for column in range(width):
            x = (column - camera[3]) * camera[1]
            images[image, row, column] = _line_integral(values, size, matrix, x, y, camera[0])


@numba.njit(fastmath=True, cache=True, inline="always")
def _line_integral(values, size, matrix, x, y, z):  # pragma: no cover - compiled
    nx, ny, nz = size[0], size[1], size[2]
    sx, sy, sz = matrix[0, 3], matrix[1, 3], matrix[2, 3]
    dx = matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2] * z
    dy = matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2] * z
    dz = matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2] * z

    near, far = 0.0, 1.0
    for axis in range(3):
        start = sx if axis == 0 else (sy if axis == 1 else sz)
        step = dx if axis == 0 else (dy if axis == 1 else dz)
        last = (nx if axis == 0 else (ny if axis == 1 else nz)) - 1.0
        if abs(step) < 1e-12:
            if start <= 0.0 or start >= last:
                return np.float32(0.0)
        else:
            a, b = -start / step, (last - start) / step
            near = max(near, min(a, b))
            far = min(far, max(a, b))
    if near >= far:
        return np.float32(0.0)

    ax, ay, az = abs(dx), abs(dy), abs(dz)
    if ax >= ay and ax >= az:
        s0, d0, s1, d1, s2, d2 = sx, dx, sy, dy, sz, dz
        stride0, stride1, stride2 = 1, nx, nx * ny
    elif ay >= az:
        s0, d0, s1, d1, s2, d2 = sy, dy, sx, dx, sz, dz
        stride0, stride1, stride2 = nx, 1, nx * ny
    else:
        s0, d0, s1, d1, s2, d2 = sz, dz, sx, dx, sy, dy
        stride0, stride1, stride2 = nx * ny, 1, nx

    enter, leave = s0 + near * d0, s0 + far * d0
    first = int(np.ceil(min(enter, leave) - 1e-9))
    last_slice = int(np.floor(max(enter, leave) + 1e-9))
    slope1, slope2 = d1 / d0, d2 / d0
    limit1 = (nx if stride1 == 1 else ny) - 1
    limit2 = (ny if stride2 == nx else nz) - 1
    total = np.float32(0.0)
    for k in range(first, last_slice + 1):
        p1 = s1 + (k - s0) * slope1
        p2 = s2 + (k - s0) * slope2
        i1, i2 = int(np.floor(p1)), int(np.floor(p2))
        if i1 < 0 or i2 < 0 or i1 >= limit1 or i2 >= limit2:
            continue
        f1, f2 = np.float32(p1 - i1), np.float32(p2 - i2)
        at = k * stride0 + i1 * stride1 + i2 * stride2
        low = values[at] + f1 * (values[at + stride1] - values[at])
        high = values[at + stride2] + f1 * (values[at + stride1 + stride2] - values[at + stride2])
        total += low + f2 * (high - low)
    return np.float32(total * np.sqrt(x * x + y * y + z * z) / abs(d0))
