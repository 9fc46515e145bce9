"""Shear-warp compiled by numba: Joseph's sums on a picture on the far slice, then one homography.

The same picture and the same cubic warp as the native engine's (native/factored.hpp).
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from bmdpipe.projection.body import Body
from bmdpipe.projection.rows import AXES, flat

MOST_ALONG, MOST_ACROSS = 1.5, 1.9
WHOLE = 16384.0
"""Parts of a voxel to which places along rows are rounded, as the native engine does."""


@dataclass(frozen=True)
class Plan:
    """Where the picture lies: `axes` a, b, c; the far slice; first samples, steps and numbers of
    samples along b and c; the pixels `[left, right), [top, bottom)` that see the body."""

    axes: tuple[int, int, int]
    far: int
    origin: tuple[float, float]
    step: tuple[float, float]
    shape: tuple[int, int]
    rect: tuple[int, int, int, int]


def plan(
    view: NDArray[np.float64],
    size: tuple[int, int, int],
    image_shape: tuple[int, int],
    steps: tuple[float, float],
) -> Plan | None:
    """None if the body (of `size` x, y, z) is not wholly between source and detector."""
    height, width = image_shape
    matrix, (sdd, su, sv, cu, cv) = view[:12].reshape(3, 4), view[12:]
    box = np.array(np.meshgrid(*[(0, n - 1) for n in size])).reshape(3, -1).T
    seen = np.linalg.solve(matrix[:, :3], (box - matrix[:, 3]).T).T
    if not (seen[:, 2] > 1e-3 * sdd).all() or seen[:, 2].max() > sdd:
        return None
    u = seen[:, 0] / seen[:, 2] * sdd / su + cu
    v = seen[:, 1] / seen[:, 2] * sdd / sv + cv
    left, right = np.clip([np.floor(u.min()), np.ceil(u.max()) + 1], 0, width).astype(int)
    top, bottom = np.clip([np.floor(v.min()), np.ceil(v.max()) + 1], 0, height).astype(int)
    rect = (int(left), int(right), int(top), int(bottom))
    if left >= right or top >= bottom:
        return Plan((0, 1, 2), 0, (0.0, 0.0), (1.0, 1.0), (0, 0), (0, 0, 0, 0))

    def toward(column: float, row: float) -> NDArray[np.float64]:
        end = np.array([(column - cu) * su, (row - cv) * sv, sdd])
        return matrix[:, :3] @ end

    middle = toward(0.5 * (left + right - 1), 0.5 * (top + bottom - 1))
    axes = AXES[int(np.abs(middle).argmax())]
    a, b, c = axes
    source, up = matrix[:, 3], middle[a] > 0
    far = size[a] - 1 if up else 0
    reach = far - source[a]
    if (source[a] > -1) if up else (source[a] < size[a]):
        return None
    ends = np.array([toward(x, y) for x in (left - 1, right) for y in (top - 1, bottom)])
    if ((ends[:, a] > 0) != up).any():
        return None
    origin, number = [], []
    step = (min(steps[0], MOST_ALONG), min(steps[1], MOST_ACROSS))
    for axis, width_of_step in ((b, step[0]), (c, step[1])):
        on_detector = source[axis] + reach * ends[:, axis] / ends[:, a]
        scales = reach / (np.array([0, size[a] - 1]) - source[a])
        edges = np.array([0, size[axis] - 1]) - source[axis]
        of_body = source[axis] + np.outer(scales, edges)
        low = max(of_body.min(), on_detector.min())
        high = min(of_body.max(), on_detector.max())
        origin.append(float(low - 2 * width_of_step))
        number.append(int(np.ceil((high - low) / width_of_step)) + 5 if high > low else 0)
    return Plan(axes, far, (origin[0], origin[1]), step, (number[1], number[0]), rect)


def add_view(body: Body, view: NDArray, made: Plan, image: NDArray) -> None:
    """Add one image `[h, w]`."""
    a, b, c = made.axes
    picture = np.zeros(made.shape, np.float32)
    if picture.size == 0:
        return
    matrix = view[:12].reshape(3, 4)
    order, store = [a, b, c], body.store(a)
    _draw(flat(store.values), store.strides, store.size, store.spans, matrix[order, 3], made.far,
          *made.origin, *made.step, picture)  # fmt: skip
    _warp(matrix[order], view[12:], made.far, *made.origin, *made.step, np.array(made.rect),
          picture, image)  # fmt: skip


@numba.njit(parallel=True, fastmath=True, cache=True)
def _draw(
    values, strides, size, spans, source, far, ob, oc, step_b, step_c, picture
):  # pragma: no cover - compiled
    rows, columns = picture.shape
    one = np.float32(1.0)
    for y in numba.prange(rows):
        line = np.empty(size[1], np.float32)
        for k in range(size[0]):
            r = (k - source[0]) / (far - source[0])
            c = source[2] + (oc + y * step_c - source[2]) * r
            j = int(np.floor(c))
            if j < 0 or j >= size[2] - 1:
                continue
            w = np.float32(c - j)
            low = min(spans[k, j, 0], spans[k, j + 1, 0]) - 1
            high = max(spans[k, j, 1], spans[k, j + 1, 1])
            if low >= high:
                continue
            low, high = max(low, 0), min(high, size[1] - 1)
            at = k * strides[0] + j * strides[1]
            for i in range(low, high + 1):
                line[i] = (one - w) * values[at + i] + w * values[at + i + strides[1]]
            hb = step_b * r
            start = source[1] + (ob - source[1]) * r
            first = max(0, int(np.ceil((low - start) / hb)))
            last = min(columns - 1, int(np.floor((high - 0.001 - start) / hb)))
            for x in range(first, last + 1):
                b = start + x * hb
                i = int(b)
                f = np.float32(np.floor((b - i) * WHOLE + 0.5) / WHOLE)
                picture[y, x] += line[i] + f * (line[i + 1] - line[i])


@numba.njit(inline="always")
def _weights(f):  # pragma: no cover - compiled
    g = 1.0 - f
    return (
        -0.5 * f * g * g,
        1.0 + f * f * (1.5 * f - 2.5),
        0.5 * f * (1.0 + f * (4.0 - 3.0 * f)),
        -0.5 * g * f * f,
    )


@numba.njit(parallel=True, fastmath=True, cache=True)
def _warp(
    matrix, camera, far, ob, oc, step_b, step_c, rect, picture, image
):  # pragma: no cover - compiled
    reach = far - matrix[0, 3]
    for v in numba.prange(rect[2], rect[3]):
        y = (v - camera[4]) * camera[2]
        for u in range(rect[0], rect[1]):
            x = (u - camera[3]) * camera[1]
            da = matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2] * camera[0]
            db = matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2] * camera[0]
            dc = matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2] * camera[0]
            b = (matrix[1, 3] + reach * db / da - ob) / step_b
            c = (matrix[2, 3] + reach * dc / da - oc) / step_c
            ib, ic = int(np.floor(b)), int(np.floor(c))
            inside = ib > 0 and ic > 0 and ib + 2 < picture.shape[1] and ic + 2 < picture.shape[0]
            if not inside:
                continue
            wb, wc = _weights(b - ib), _weights(c - ic)
            total = 0.0
            for j in range(4):
                for i in range(4):
                    total += wc[j] * wb[i] * picture[ic - 1 + j, ib - 1 + i]
            mm = np.sqrt(x * x + y * y + camera[0] * camera[0]) / abs(da)
            image[v, u] += np.float32(total * mm)
