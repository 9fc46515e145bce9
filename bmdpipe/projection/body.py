"""A rigid body prepared for projection: the occupied box of a volume and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.volume import Volume, bounding_slices


@dataclass(frozen=True)
class Body:
    """Values `[z, y, x]` (float32, C order), with a border of zeros one voxel wide."""

    values: NDArray[np.float32]
    index_from_world: NDArray[np.float64]
    unit: str

    @classmethod
    def from_volume(cls, volume: Volume, mask: NDArray[np.bool_] | None = None) -> Body:
        """The part of a volume inside a mask (everything non-zero if None), zero elsewhere.

        Raises ValueError if nothing is left.
        """
        occupied = volume.array != 0 if mask is None else mask
        z, y, x = bounding_slices(occupied)
        box = volume.crop(z, y, x)
        values = np.where(occupied[z, y, x], box.array, 0).astype(np.float32)
        index_from_world = np.linalg.inv(box.world_from_index).astype(np.float64)
        index_from_world[:3, 3] += 1.0
        return cls(np.pad(values, 1), index_from_world, volume.unit)
