"""Voxels laid out for projection: rows with zeros between them, and a note of where they hold any.

A packed array is a view `[z, y, x]` into one flat buffer: `MARGIN` zeros, then the rows, each
followed by at least `GAP` zeros, then `MARGIN` zeros. A kernel that takes eight voxels at a time
may thus reach over a row's ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import DTypeLike, NDArray

MARGIN = 16
GAP = 16
RUN = 8
BLOCK = 8


def packed_zeros(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray:
    """A packed array `[z, y, x]` of zeros."""
    nz, ny, nx = shape
    pitch = _pitch(nx)
    buffer: NDArray = np.zeros(2 * MARGIN + nz * ny * pitch, dtype)
    return buffer[MARGIN:-MARGIN].reshape(nz, ny, pitch)[:, :, :nx]


def is_packed(values: NDArray) -> bool:
    nz, ny, nx = values.shape
    base, pitch, item = values.base, _pitch(nx), values.itemsize
    return (
        isinstance(base, np.ndarray)
        and base.shape == (2 * MARGIN + nz * ny * pitch,)
        and base.dtype == values.dtype
        and values.strides == (ny * pitch * item, pitch * item, item)
        and values.ctypes.data - base.ctypes.data == MARGIN * item
    )


def flat(values: NDArray) -> NDArray:
    """The voxels of a packed array in one line, rows and the zeros between them."""
    if values.base is None:
        raise ValueError("the array is not packed")
    return values.base[MARGIN:-MARGIN]


def _pitch(nx: int) -> int:
    return -(-(nx + GAP) // RUN) * RUN


@dataclass(frozen=True)
class RowStore:
    """A packed array with its axes named for rays whose principal axis is `axes[0]`.

    `axes` and `size` are in the order a (principal), b (contiguous), c (rows), axes as 0, 1, 2 for
    x, y, z; `strides` are those of a and c, in elements. `runs` `[a, c]`: bit i says whether voxels
    `[i << shift, (i + 1) << shift)` of that row hold anything but zero; `blocks` `[a / 8, c]` the
    same for eight slices together.
    """

    values: NDArray
    axes: tuple[int, int, int]
    size: tuple[int, int, int]
    strides: tuple[int, int]
    runs: NDArray[np.uint64]
    blocks: NDArray[np.uint64]
    shift: int

    @cached_property
    def spans(self) -> NDArray[np.int32]:
        """`[a, c, 2]`: row (a, c) holds nothing before the one voxel or from the other on."""
        bits = np.unpackbits(
            np.ascontiguousarray(self.runs).view(np.uint8), axis=1, bitorder="little"
        ).reshape(*self.runs.shape, 64)
        held = (self.runs != 0)[..., None]
        ends = np.stack([bits.argmax(axis=2), 64 - bits[..., ::-1].argmax(axis=2)], axis=-1)
        width = self.size[1]
        ends = np.minimum(ends << self.shift, width)
        return np.where(held, ends, (width, 0)).astype(np.int32)

    @property
    def nbytes(self) -> int:
        return flat(self.values).nbytes + self.runs.nbytes + self.blocks.nbytes


AXES = ((0, 1, 2), (1, 0, 2), (2, 0, 1))
"""By principal axis: itself, the contiguous one, the one across rows."""


def size_along(values: NDArray, axis: int) -> tuple[int, int, int]:
    a, b, c = (values.shape[2 - axis] for axis in AXES[axis])
    return a, b, c


def store_along(values: NDArray, axis: int) -> RowStore:
    """The store for a principal axis; only x needs a copy of the packed `values`."""
    if axis == 0:
        turned = packed_zeros((values.shape[0], values.shape[2], values.shape[1]), values.dtype)
        for z in range(len(values)):
            turned[z] = values[z].T
        values = turned
    pitch = values.strides[1] // values.itemsize
    slab = pitch * values.shape[1]
    shift = max(3, (values.shape[2] - 1).bit_length() - 6)
    runs = _runs(values, shift)
    if axis == 2:
        strides = (slab, pitch)
    else:
        strides, runs = (pitch, slab), runs.T
    blocks = np.bitwise_or.reduceat(runs, np.arange(0, runs.shape[0], BLOCK), axis=0)
    a, b, c = values.shape[1 if axis != 2 else 0], values.shape[2], runs.shape[1]
    return RowStore(
        values, AXES[axis], (a, b, c), strides, runs, np.ascontiguousarray(blocks), shift
    )


def _runs(values: NDArray, shift: int) -> NDArray[np.uint64]:
    """`[z, y]`, a bit per run of `1 << shift` voxels along x."""
    nz, ny, _ = values.shape
    pitch = values.strides[1] // values.itemsize
    words = flat(values).view(np.uint64).reshape(nz, ny, pitch // RUN, -1)
    per_bit = 1 << (shift - 3)
    bits = np.zeros((ny, 64 * per_bit), bool)
    result = np.empty((nz, ny), np.uint64)
    for z in range(nz):
        some = words[z, ..., 0] | words[z, ..., 1]
        for part in range(2, words.shape[-1]):
            some |= words[z, ..., part]
        held = min(bits.shape[1], some.shape[1])
        bits[:, :held] = some[:, :held] != 0
        grouped = bits.reshape(ny, 64, per_bit).any(axis=2) if per_bit > 1 else bits
        result[z] = np.packbits(grouped, axis=1, bitorder="little").view("<u8")[:, 0]
    return result
