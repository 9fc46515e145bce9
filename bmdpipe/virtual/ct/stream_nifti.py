"""A NIfTI volume written slab by slab, so that it never lies in memory whole."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.atomic import atomic_path, write_json
from bmdpipe.core.volume import Volume
from bmdpipe.imaging.nibabel_alone import nibabel
from bmdpipe.imaging.nifti import RAS_FROM_LPS, sidecar
from bmdpipe.virtual.hip.fine_grid import CtGrid

HEADER_BYTES = 352
"""The header of a single file and the four bytes that announce no extension."""


class SlabFile:
    """Takes the slices in their order."""

    def __init__(self, file: BinaryIO, dtype: np.dtype) -> None:
        self._file, self._dtype = file, dtype

    def append(self, slices: NDArray) -> None:
        """Slices `[z, y, x]`: with x fastest, as NIfTI stores them."""
        self._file.write(np.ascontiguousarray(slices, self._dtype).data)


@contextmanager
def slab_file(path: Path, grid: CtGrid, dtype: type, unit: str) -> Iterator[SlabFile]:
    """The file appears, with its sidecar, when all slices are in. Raises ValueError if not."""
    kind = np.dtype(dtype).newbyteorder("<")
    nothing = np.broadcast_to(np.zeros((), kind), grid.size[::-1])
    affine = RAS_FROM_LPS @ Volume(nothing, grid.spacing_mm, grid.origin_mm, unit).world_from_index
    header = nibabel.Nifti1Image(nothing.transpose(2, 1, 0), affine).header
    header.set_xyzt_units("mm")
    header.set_data_offset(HEADER_BYTES)
    with atomic_path(path) as part:
        with (
            part.open("wb") as raw,
            gzip.GzipFile("", "wb", compresslevel=1, fileobj=raw, mtime=0) as file,
        ):
            file.write(header.binaryblock + bytes(HEADER_BYTES - len(header.binaryblock)))
            yield SlabFile(cast(BinaryIO, file), kind)
            if file.tell() != HEADER_BYTES + nothing.size * kind.itemsize:
                raise ValueError(f"{path.name} has not been given all its slices")
        write_json(sidecar(path), {"unit": unit})
