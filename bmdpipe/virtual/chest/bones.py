"""Bone mineral behind each pixel, bone group by bone group; the only caller of the voxeliser."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.config.virtual.chest import ChestConfig
from bmdpipe.core.volume import Volume
from bmdpipe.virtual.chest.skeleton import axis, clavicles, ribs, scapulae
from bmdpipe.virtual.chest.traits import Build
from bmdpipe.virtual.chest.view import View, integrals
from bmdpipe.virtual.shape.bone import Bone
from bmdpipe.virtual.shape.material import STRUT_COLUMNS
from bmdpipe.virtual.shape.primitives import COLUMNS, CUP, SLAB, Table
from bmdpipe.virtual.shape.ribbon import box_of
from bmdpipe.virtual.shape.voxelise import voxelise

TEXTURE = (0.35, 2.0)
MG_PER_G = 1000.0
NO_CUTS, NO_STRUTS = np.zeros((0, COLUMNS)), np.zeros((0, STRUT_COLUMNS))


@dataclass(frozen=True)
class BoneShadows:
    """Mineral along each ray, g/cm2, `[y, x]` in display orientation."""

    ribs: NDArray[np.float32]
    clavicles: NDArray[np.float32]
    scapulae: NDArray[np.float32]
    axis: NDArray[np.float32]

    def removed(self, with_scapulae: bool) -> NDArray[np.float32]:
        """The mineral that the bone-suppressed image lacks."""
        removed = self.ribs + self.clavicles
        return removed + self.scapulae if with_scapulae else removed

    def everything(self) -> NDArray[np.float32]:
        return self.ribs + self.clavicles + self.scapulae + self.axis


def cast_shadows(config: ChestConfig, build: Build, view: View) -> BoneShadows:
    """Every bone on voxels of its own box, projected, one in memory at a time."""

    def cast(tables: list[Table]) -> NDArray[np.float32]:
        total = np.zeros(view.camera.size_px[::-1], np.float32)
        for table in tables:
            total += integrals(view, _on_voxels(config, build, stretched(table, build)))
        return (total / MG_PER_G).astype(np.float32)

    return BoneShadows(
        ribs=cast(ribs(build)),
        clavicles=cast(clavicles(build)),
        scapulae=cast(scapulae(build)),
        axis=cast(axis(build)),
    )


def stretched(table: Table, build: Build) -> Table:
    """Primitives of the mean chest in the subject's; points follow, radii by the mean factor."""
    factors = np.array(build.stretch)
    mean = float(factors.mean())
    result = table.copy()
    balls = table[:, 15] >= CUP
    result[:, 0:3] *= factors
    result[~balls, 3:6] *= factors
    slabs = table[:, 15] == SLAB
    result[slabs, 6:9] *= factors
    result[:, 9:12] *= mean
    return result


def _on_voxels(config: ChestConfig, build: Build, table: Table) -> Volume:
    low, high = box_of(table, 2.0)
    step = config.grid_mm
    # A raster that is the same for all bones keeps a subject's voxels where they are.
    origin = np.floor(low / step) * step + 0.013
    nx, ny, nz = (np.ceil((high - origin) / step).astype(int) + 1).tolist()
    fraction = np.zeros((nz, ny, nx), np.float32)
    density = np.zeros_like(fraction)
    voxelise(
        Bone(table, NO_CUTS, NO_STRUTS),
        config.cortical_mg_cm3,
        (*TEXTURE, build.offset),
        origin,
        np.full(3, step),
        1,
        fraction,
        density,
    )
    x, y, z = origin.tolist()
    return Volume(density, (step, step, step), (x, y, z), "mg/cm3")
