"""Image stacks that stay on disk: pages are read when a batch asks for them, and no earlier."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

LENGTH_BYTES = 8
"""A safetensors file begins with the length of its JSON header, a little-endian integer."""


class ImageStack(Protocol):
    """Images `[n, h, w]`, in memory (an array) or on disk; `stack[indices]` gives `[k, h, w]`."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __len__(self) -> int: ...

    def __getitem__(self, chosen: NDArray[np.int64], /) -> NDArray[np.float32]: ...


class MappedStack:
    """Rows of several files' arrays as one stack, in the order given.

    `parts` are arrays `[n_i, h, w]` mapped from files, `rows` the part and the place in it of each
    image.
    """

    def __init__(
        self, parts: Sequence[NDArray[np.float32]], rows: Sequence[tuple[int, int]]
    ) -> None:
        self._parts, self._rows = parts, rows

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self._rows), *self._parts[0].shape[1:])

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, chosen: NDArray[np.int64], /) -> NDArray[np.float32]:
        rows = [self._rows[int(index)] for index in chosen]
        out = np.empty((len(rows), *self.shape[1:]), dtype=np.float32)
        for place, (part, row) in enumerate(rows):
            out[place] = self._parts[part][row]
        return out


def map_tensors(path: Path) -> dict[str, NDArray[np.float32]]:
    """The float32 arrays of a safetensors file, mapped read-only.

    Raises ValueError on a tensor of another type.
    """
    with Path(path).open("rb") as stream:
        length = int.from_bytes(stream.read(LENGTH_BYTES), "little")
        header = json.loads(stream.read(length))
    arrays = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        if entry["dtype"] != "F32":
            raise ValueError(f"{path}: '{name}' is {entry['dtype']}, not F32")
        shape = tuple(entry["shape"])
        if 0 in shape:  # an empty range cannot be mapped
            arrays[name] = np.zeros(shape, dtype=np.float32)
            continue
        offset = LENGTH_BYTES + length + entry["data_offsets"][0]
        arrays[name] = np.memmap(path, np.dtype("<f4"), "r", offset, shape)
    return arrays


def in_parts(stack: ImageStack, size: int = 32) -> Iterator[NDArray[np.float32]]:
    """The whole stack, `size` images at a time."""
    for start in range(0, len(stack), size):
        yield stack[np.arange(start, min(start + size, len(stack)))]
