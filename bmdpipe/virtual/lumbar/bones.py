"""The vertebra of the slab and its neighbours on fine voxels, with the aorta's calcium.

This file is the only one of the cohort that calls the voxeliser.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.volume import Triple
from bmdpipe.geometry.pose import Matrix, about, apply, inverse
from bmdpipe.virtual.lumbar.traits import VertebraTraits
from bmdpipe.virtual.lumbar.vertebra import Vertebra, build_vertebra
from bmdpipe.virtual.shape.bone import Bone
from bmdpipe.virtual.shape.noise import value_noise
from bmdpipe.virtual.shape.primitives import Table
from bmdpipe.virtual.shape.ribbon import moved
from bmdpipe.virtual.shape.voxelise import voxelise

TEXTURE = (0.50, 1.9)
"""Relative amplitude and grain (mm) of the trabecular texture."""
PLAQUE_MG_CM3 = 550.0


@dataclass(frozen=True)
class FineGrid:
    """Voxels that divide those of the CT; `origin_mm` is the centre of the first."""

    size: tuple[int, int, int]
    spacing_mm: Triple
    origin_mm: Triple

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.size[2], self.size[1], self.size[0]


@dataclass(frozen=True)
class Aorta:
    """A vessel along z: centre and radius in mm, share of its wall that is calcified."""

    x: float
    y: float
    radius: float
    calcified: float
    offset: float


@dataclass(frozen=True)
class Bones:
    """Hard matter on the fine grid `[z, y, x]`: its share, its mineral and the aorta's, mg/cm3.

    `body` and `posterior` are the shares of the slab's own vertebra.
    """

    fraction: NDArray[np.float32]
    density: NDArray[np.float32]
    body: NDArray[np.float32]
    posterior: NDArray[np.float32]
    calcium: NDArray[np.float32]


def place_bones(
    traits: VertebraTraits, pose: Matrix, aorta: Aorta, grid: FineGrid, offset: float
) -> Bones:
    """`pose` carries the vertebra's frame into the CT's world; its neighbours follow a curve."""
    own = build_vertebra(traits)
    fraction, density = _empty(grid), _empty(grid)
    body, posterior = _empty(grid), _empty(grid)
    scrap = _empty(grid)
    _render(own, own.body, pose, traits, grid, offset, body, scrap)
    _render(own, own.posterior, pose, traits, grid, offset, posterior, scrap)
    whole = np.concatenate([own.body, own.posterior])
    _render(own, whole, pose, traits, grid, offset, fraction, density)
    pitch = traits.height + traits.disc
    for sign in (1.0, -1.0):
        bend = about(np.zeros(3), np.array([4.0 * sign, 0.0, 0.0]), np.array([0, 0, sign * pitch]))
        near = np.concatenate([own.body, own.posterior])
        other, dense = _empty(grid), _empty(grid)
        _render(own, near, pose @ bend, traits, grid, offset + 50.0 * sign, other, dense)
        free = np.maximum(1.0 - fraction, 0.0)
        share = np.minimum(other, free)
        density += dense * np.divide(share, other, out=np.zeros_like(other), where=other > 0)
        fraction += share
    calcium = _empty(grid)
    _plaques(
        np.array([aorta.x, aorta.y, aorta.radius, aorta.calcified, aorta.offset]),
        np.array(grid.origin_mm), np.array(grid.spacing_mm), calcium,
    )  # fmt: skip
    density += calcium
    fraction = np.minimum(fraction + calcium / np.float32(PLAQUE_MG_CM3), 1.0)
    return Bones(fraction, density, body, posterior, calcium)


def local_points(grid: FineGrid, pose: Matrix) -> NDArray[np.float64]:
    """The places of a grid's voxels in the vertebra's frame, `[z, y, x, 3]`."""
    axes = [
        o + s * np.arange(n)
        for o, s, n in zip(grid.origin_mm, grid.spacing_mm, grid.size, strict=True)
    ]
    z, y, x = np.meshgrid(axes[2], axes[1], axes[0], indexing="ij")
    return apply(inverse(pose), np.stack([x, y, z], axis=-1).astype(np.float64))


def _empty(grid: FineGrid) -> NDArray[np.float32]:
    return np.zeros(grid.shape, np.float32)


def _render(
    vertebra: Vertebra,
    solids: Table,
    pose: Matrix,
    traits: VertebraTraits,
    grid: FineGrid,
    offset: float,
    fraction: NDArray[np.float32],
    density: NDArray[np.float32],
) -> None:
    struts = vertebra.struts.copy()
    struts[:, 0:3] = apply(pose, struts[:, 0:3])
    struts[:, 3:6] = apply(pose, struts[:, 3:6])
    voxelise(
        Bone(moved(solids, pose), moved(vertebra.cuts, pose), struts),
        traits.compact_mg_cm3,
        (*TEXTURE, offset),
        np.array(grid.origin_mm),
        np.array(grid.spacing_mm),
        1,
        fraction,
        density,
    )


@numba.njit(cache=True)
def _plaques(aorta, origin, spacing, calcium):  # pragma: no cover - compiled
    """Calcified plaques: arcs of the wall where a noise over its surface is high."""
    nz, ny, nx = calcium.shape
    radius, edge = aorta[2], spacing[0]
    if aorta[3] <= 0.02:
        return
    threshold = 0.75 - 1.0 * aorta[3]
    for k in range(nz):
        z = origin[2] + k * spacing[2]
        for j in range(ny):
            y = origin[1] + j * spacing[1] - aorta[1]
            if abs(y) > radius + 3.0:
                continue
            for i in range(nx):
                x = origin[0] + i * spacing[0] - aorta[0]
                r = np.sqrt(x * x + y * y)
                wall = abs(r - radius) - 0.9
                if wall > edge or r < 1e-6:
                    continue
                u, v = x / r, y / r
                noise = value_noise(2.3 * u + aorta[4], 2.3 * v, z / 7.0)
                noise += 0.35 * value_noise(6.0 * u, 6.0 * v + aorta[4], z / 3.0)
                amount = min(max(3.0 * (noise - threshold), 0.0), 1.0)
                inside = min(max(0.5 - wall / edge, 0.0), 1.0)
                calcium[k, j, i] = np.float32(550.0 * amount * inside)
