"""A rigid body prepared for projection: the occupied box of a volume and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.volume import Volume, bounding_slices
from bmdpipe.projection.bricks import bricks_of
from bmdpipe.projection.rows import RowStore, is_packed, packed_zeros, store_along

Storage = Literal["int16", "float32"]


@dataclass(frozen=True)
class Body:
    """Values `[z, y, x]` (float32 or int16), with a border of zeros one voxel wide.

    int16 holds HU and mg/cm3 without loss in half the memory. The stores for the principal axes are
    made when first needed; at most one of them is a copy. `elsewhere` holds what engines and
    devices keep of it, by their names.
    """

    values: NDArray
    index_from_world: NDArray[np.float64]
    unit: str
    stores: dict[int, RowStore] = field(default_factory=dict, repr=False, compare=False)
    elsewhere: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not is_packed(self.values):
            laid_out = packed_zeros(self.values.shape, self.values.dtype.type)
            laid_out[:] = self.values
            object.__setattr__(self, "values", laid_out)

    @classmethod
    def from_volume(
        cls,
        volume: Volume,
        mask: NDArray[np.bool_] | None = None,
        storage: Storage | None = None,
    ) -> Body:
        """The part of a volume inside a mask (everything non-zero if None), zero elsewhere.

        Small integers are stored as int16 and all else as float32, unless `storage` says which.
        Raises ValueError if nothing is left, or if int16 is asked for and would lose something.
        """
        occupied = volume.array != 0 if mask is None else mask
        z, y, x = bounding_slices(occupied)
        box = volume.crop(z, y, x)
        dtype: type = np.float32
        if storage == "int16" or (storage is None and np.can_cast(volume.array.dtype, np.int16)):
            dtype = np.int16
        nz, ny, nx = box.array.shape
        values = packed_zeros((nz + 2, ny + 2, nx + 2), dtype)
        for k in range(nz):
            slab = np.where(occupied[z, y, x][k], box.array[k], 0)
            values[k + 1, 1:-1, 1:-1] = slab
            if dtype is np.int16 and not np.array_equal(values[k + 1, 1:-1, 1:-1], slab):
                raise ValueError("int16 cannot hold these values without loss")
        index_from_world = np.linalg.inv(box.world_from_index).astype(np.float64)
        index_from_world[:3, 3] += 1.0
        return cls(values, index_from_world, volume.unit)

    @cached_property
    def bricks(self) -> NDArray[np.uint8]:
        """Which bricks of voxels hold anything (`bmdpipe.projection.bricks`)."""
        return bricks_of(self.values)

    def store(self, axis: int) -> RowStore:
        """The voxels for rays along x (0), y (1) or z (2)."""
        if axis not in self.stores:
            self.stores[axis] = store_along(self.values, axis)
        return self.stores[axis]
