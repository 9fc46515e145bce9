"""Joseph's line integrals as Triton kernels: projection, its transpose, its gradient by geometry.

One lane per ray. What a ray needs is set up in float64; samples along it are float32. A view is a
row of 17 numbers: `index_from_camera` [3, 4] row by row, sdd, spacing x and y, principal point x
and y. Source: Joseph 1982, IEEE TMI 1(3).
"""

from __future__ import annotations

import triton
import triton.language as tl

VIEW = tl.constexpr(17)
EPSILON = tl.constexpr(1e-12)


@triton.jit
def _clip(start, step, last, near, far):
    """Cut a ray to 0 <= start + t * step <= last."""
    start = start + step * 0.0
    flat = tl.abs(step) < EPSILON
    safe = tl.where(flat, 1.0, step)
    a, b = -start / safe, (last - start) / safe
    outside = flat & ((start <= 0.0) | (start >= last))
    low = tl.where(flat, near, tl.maximum(near, tl.minimum(a, b)))
    high = tl.where(flat, far, tl.minimum(far, tl.maximum(a, b)))
    return low, tl.where(outside, low - 1.0, high)


@triton.jit
def _rays(views, view, tile, height, width, nx, ny, nz, LANES: tl.constexpr):
    """Of a tile's rays: pixel, ray in the camera, principal axis, first slice, slices, path."""
    pixel = tile * LANES + tl.arange(0, LANES)
    at = views + view * VIEW
    sdd, sx, sy = tl.load(at + 12), tl.load(at + 13), tl.load(at + 14)
    x = ((pixel % width).to(tl.float64) - tl.load(at + 15)) * sx
    y = ((pixel // width).to(tl.float64) - tl.load(at + 16)) * sy
    dx = tl.load(at + 0) * x + tl.load(at + 1) * y + tl.load(at + 2) * sdd
    dy = tl.load(at + 4) * x + tl.load(at + 5) * y + tl.load(at + 6) * sdd
    dz = tl.load(at + 8) * x + tl.load(at + 9) * y + tl.load(at + 10) * sdd
    ox, oy, oz = tl.load(at + 3), tl.load(at + 7), tl.load(at + 11)
    near, far = dx * 0.0, dx * 0.0 + 1.0
    near, far = _clip(ox, dx, nx - 1.0, near, far)
    near, far = _clip(oy, dy, ny - 1.0, near, far)
    near, far = _clip(oz, dz, nz - 1.0, near, far)
    ax, ay, az = tl.abs(dx), tl.abs(dy), tl.abs(dz)
    along_x = (ax >= ay) & (ax >= az)
    along_y = (ay >= az) & (along_x == 0)
    axis = tl.where(along_x, 0, tl.where(along_y, 1, 2))
    s0 = tl.where(along_x, ox, tl.where(along_y, oy, oz))
    d0 = tl.where(along_x, dx, tl.where(along_y, dy, dz))
    enter, leave = s0 + near * d0, s0 + far * d0
    first = tl.ceil(tl.minimum(enter, leave) - 1e-9)
    last = tl.floor(tl.maximum(enter, leave) + 1e-9)
    seen = (pixel < height * width) & (near < far)
    count = tl.where(seen, last - first + 1.0, 0.0).to(tl.int32)
    length = tl.sqrt(x * x + y * y + sdd * sdd) / tl.abs(d0)
    return pixel, x, y, sdd, dx, dy, dz, axis, s0, d0, first, count, length


@triton.jit
def _across(axis, dx, dy, dz, ox, oy, oz, s0, d0, first):
    """Where a ray meets its first slice, and its slopes, in the two axes across."""
    d1 = tl.where(axis == 0, dy, dx)
    d2 = tl.where(axis == 2, dy, dz)
    s1 = tl.where(axis == 0, oy, ox)
    s2 = tl.where(axis == 2, oy, oz)
    slope1, slope2 = d1 / d0, d2 / d0
    return s1 + (first - s0) * slope1, s2 + (first - s0) * slope2, slope1, slope2


@triton.jit
def _strides(axis, nx, ny, nz):
    """Element strides along and across, and the last corners across, of a `[z, y, x]` array."""
    stride0 = tl.where(axis == 0, 1, tl.where(axis == 1, nx, nx * ny))
    stride1 = tl.where(axis == 0, nx, 1)
    stride2 = tl.where(axis == 2, nx, nx * ny)
    limit1 = tl.where(axis == 0, ny, nx) - 1
    limit2 = tl.where(axis == 2, ny, nz) - 1
    return stride0, stride1, stride2, limit1, limit2


@triton.jit
def project_kernel(
    values, views, images, height, width, nx, ny, nz, LANES: tl.constexpr
):  # pragma: no cover - compiled
    """`images[n, h, w]` from `values[z, y, x]`: grid (tiles of pixels, n)."""
    view = tl.program_id(1)
    pixel, _x, _y, _z, dx, dy, dz, axis, s0, d0, first, count, length = _rays(
        views, view, tl.program_id(0), height, width, nx, ny, nz, LANES
    )
    at = views + view * VIEW
    ox, oy, oz = tl.load(at + 3), tl.load(at + 7), tl.load(at + 11)
    p1, p2, slope1, slope2 = _across(axis, dx, dy, dz, ox, oy, oz, s0, d0, first)
    stride0, stride1, stride2, limit1, limit2 = _strides(axis, nx, ny, nz)
    q1, q2, m1, m2 = (
        p1.to(tl.float32),
        p2.to(tl.float32),
        slope1.to(tl.float32),
        slope2.to(tl.float32),
    )
    start = first.to(tl.int32) * stride0
    total = tl.zeros([LANES], tl.float32)
    for i in range(tl.max(count)):
        u, v = q1 + i * m1, q2 + i * m2
        fu, fv = tl.floor(u), tl.floor(v)
        iu, iv = fu.to(tl.int32), fv.to(tl.int32)
        wu, wv = u - fu, v - fv
        some = (i < count) & (iu >= 0) & (iv >= 0) & (iu < limit1) & (iv < limit2)
        corner = values + start + i * stride0 + iu * stride1 + iv * stride2
        a = tl.load(corner, some, 0).to(tl.float32)
        b = tl.load(corner + stride1, some, 0).to(tl.float32)
        c = tl.load(corner + stride2, some, 0).to(tl.float32)
        d = tl.load(corner + stride1 + stride2, some, 0).to(tl.float32)
        low, high = a + wu * (b - a), c + wu * (d - c)
        total += low + wv * (high - low)
    image = images + view.to(tl.int64) * height * width
    tl.store(image + pixel, total * length.to(tl.float32), pixel < height * width)


@triton.jit
def backproject_kernel(
    images, views, values, height, width, nx, ny, nz, LANES: tl.constexpr
):  # pragma: no cover - compiled
    """The transpose of `project_kernel`: adds `images[n, h, w]` into `values[z, y, x]`.

    Atomic additions in float32: the order of a sum, and with it its last bits, may vary.
    """
    view = tl.program_id(1)
    pixel, _x, _y, _z, dx, dy, dz, axis, s0, d0, first, count, length = _rays(
        views, view, tl.program_id(0), height, width, nx, ny, nz, LANES
    )
    at = views + view * VIEW
    ox, oy, oz = tl.load(at + 3), tl.load(at + 7), tl.load(at + 11)
    p1, p2, slope1, slope2 = _across(axis, dx, dy, dz, ox, oy, oz, s0, d0, first)
    stride0, stride1, stride2, limit1, limit2 = _strides(axis, nx, ny, nz)
    q1, q2, m1, m2 = (
        p1.to(tl.float32),
        p2.to(tl.float32),
        slope1.to(tl.float32),
        slope2.to(tl.float32),
    )
    start = first.to(tl.int32) * stride0
    image = images + view.to(tl.int64) * height * width
    share = tl.load(image + pixel, pixel < height * width, 0.0) * length.to(tl.float32)
    for i in range(tl.max(count)):
        u, v = q1 + i * m1, q2 + i * m2
        fu, fv = tl.floor(u), tl.floor(v)
        iu, iv = fu.to(tl.int32), fv.to(tl.int32)
        wu, wv = u - fu, v - fv
        some = (i < count) & (iu >= 0) & (iv >= 0) & (iu < limit1) & (iv < limit2)
        corner = values + start + i * stride0 + iu * stride1 + iv * stride2
        tl.atomic_add(corner, share * (1 - wu) * (1 - wv), some)
        tl.atomic_add(corner + stride1, share * wu * (1 - wv), some)
        tl.atomic_add(corner + stride2, share * (1 - wu) * wv, some)
        tl.atomic_add(corner + stride1 + stride2, share * wu * wv, some)


@triton.jit
def view_gradient_kernel(
    values, views, image_gradients, partial, height, width, nx, ny, nz, LANES: tl.constexpr
):  # pragma: no cover - compiled
    """`partial[n, tiles, 12]`: the loss' derivative by `index_from_camera`, summed over a tile.

    With p the place across in slice k, p = s + (k - s0) * d / d0: the sums of the interpolation's
    slopes, plain and weighted with k - s0, give the derivatives by s and d, and those by the matrix
    follow from d = M ray and s = M[:, 3].
    """
    view, tile = tl.program_id(1), tl.program_id(0)
    pixel, x, y, z, dx, dy, dz, axis, s0, d0, first, count, length = _rays(
        views, view, tile, height, width, nx, ny, nz, LANES
    )
    at = views + view * VIEW
    ox, oy, oz = tl.load(at + 3), tl.load(at + 7), tl.load(at + 11)
    p1, p2, slope1, slope2 = _across(axis, dx, dy, dz, ox, oy, oz, s0, d0, first)
    stride0, stride1, stride2, limit1, limit2 = _strides(axis, nx, ny, nz)
    q1, q2, m1, m2 = (
        p1.to(tl.float32),
        p2.to(tl.float32),
        slope1.to(tl.float32),
        slope2.to(tl.float32),
    )
    start = first.to(tl.int32) * stride0
    depth = (first - s0).to(tl.float32)
    total = tl.zeros([LANES], tl.float32)
    b1, b2 = tl.zeros([LANES], tl.float32), tl.zeros([LANES], tl.float32)
    c1, c2 = tl.zeros([LANES], tl.float32), tl.zeros([LANES], tl.float32)
    for i in range(tl.max(count)):
        u, v = q1 + i * m1, q2 + i * m2
        fu, fv = tl.floor(u), tl.floor(v)
        iu, iv = fu.to(tl.int32), fv.to(tl.int32)
        wu, wv = u - fu, v - fv
        some = (i < count) & (iu >= 0) & (iv >= 0) & (iu < limit1) & (iv < limit2)
        corner = values + start + i * stride0 + iu * stride1 + iv * stride2
        a = tl.load(corner, some, 0).to(tl.float32)
        b = tl.load(corner + stride1, some, 0).to(tl.float32)
        c = tl.load(corner + stride2, some, 0).to(tl.float32)
        d = tl.load(corner + stride1 + stride2, some, 0).to(tl.float32)
        low, high = a + wu * (b - a), c + wu * (d - c)
        by_u = (b - a) + wv * ((d - c) - (b - a))
        total += low + wv * (high - low)
        b1 += by_u
        b2 += high - low
        c1 += (depth + i) * by_u
        c2 += (depth + i) * (high - low)
    inside = pixel < height * width
    image = image_gradients + view.to(tl.int64) * height * width
    share = tl.load(image + pixel, inside, 0.0).to(tl.float64) * length
    share = tl.where(count > 0, share, 0.0)
    by_s1, by_s2 = share * b1, share * b2
    by_s0 = -(by_s1 * slope1 + by_s2 * slope2)
    by_d1, by_d2 = share * c1 / d0, share * c2 / d0
    by_d0 = -(by_d1 * slope1 + by_d2 * slope2) - share * total / d0
    # Back from (along, across 1, across 2) to (x, y, z).
    sx = tl.where(axis == 0, by_s0, by_s1)
    sy = tl.where(axis == 1, by_s0, tl.where(axis == 0, by_s1, by_s2))
    sz = tl.where(axis == 2, by_s0, by_s2)
    gx = tl.where(axis == 0, by_d0, by_d1)
    gy = tl.where(axis == 1, by_d0, tl.where(axis == 0, by_d1, by_d2))
    gz = tl.where(axis == 2, by_d0, by_d2)
    out = partial + (view * tl.num_programs(0) + tile) * 12
    tl.store(out + 0, tl.sum(gx * x))
    tl.store(out + 1, tl.sum(gx * y))
    tl.store(out + 2, tl.sum(gx * z))
    tl.store(out + 3, tl.sum(sx))
    tl.store(out + 4, tl.sum(gy * x))
    tl.store(out + 5, tl.sum(gy * y))
    tl.store(out + 6, tl.sum(gy * z))
    tl.store(out + 7, tl.sum(sy))
    tl.store(out + 8, tl.sum(gz * x))
    tl.store(out + 9, tl.sum(gz * y))
    tl.store(out + 10, tl.sum(gz * z))
    tl.store(out + 11, tl.sum(sz))
