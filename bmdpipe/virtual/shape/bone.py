"""What the voxeliser needs of a bone: its shape as tables, and its material."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from bmdpipe.virtual.shape.material import BORDER_MM, Material
from bmdpipe.virtual.shape.primitives import Table
from bmdpipe.virtual.shape.surface import all_of, balls_around, distance_at
from bmdpipe.virtual.shape.sweep import Sweeps


@dataclass(frozen=True)
class Bone:
    """Tables for the voxeliser; each may be empty."""

    solids: Table
    cuts: Table
    struts: Table
    sweeps: Sweeps = field(default_factory=Sweeps.none)
    material: Material = field(default_factory=Material.none)

    @property
    def border_mm(self) -> float:
        """How much farther than another a primitive may be and still play a part."""
        blends = [*self.solids[:, 12], *self.sweeps.frames[:, 15]]
        return float(max([BORDER_MM, *blends]))

    def distance(self, point: ArrayLike) -> float:
        """Signed distance of a point (LPS mm), negative inside."""
        x, y, z = np.asarray(point, dtype=float)
        frames, profiles = self.sweeps.frames, self.sweeps.profiles
        near = all_of(len(self.solids)), all_of(len(frames)), all_of(len(self.cuts))
        found, nearest = np.empty(len(self.solids)), np.zeros(1, np.int64)
        return float(
            distance_at(
                self.solids, balls_around(self.solids), frames, profiles, self.cuts, *near,
                self.border_mm, nearest, found, x, y, z,
            )
        )  # fmt: skip
