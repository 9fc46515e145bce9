"""Single femora on grids of any fineness, and bodies brought onto one grid."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from bmdpipe.core.config.virtual.density import BoneDensityConfig
from bmdpipe.virtual.demographics import Person
from bmdpipe.virtual.hip.disease import HipDisease
from bmdpipe.virtual.hip.femur import Femur, build_femur
from bmdpipe.virtual.hip.femur_traits import draw_femora
from bmdpipe.virtual.hip.fine_grid import CtGrid, FineBody, coarser, on_grid
from bmdpipe.virtual.hip.mineral import draw_mineral

HEALTHY = HipDisease(0.0, 0.0, 0.0, 0.0, 0.0, False)
GRID = CtGrid((128, 128, 128), (3.0, 3.0, 3.0), (-192.0, -192.0, -192.0))
PERSON = Person(3, "F", 57.0, 23.5, "L")
HEAD_MM = np.array([87.0, 0.0, 0.0])


@pytest.fixture(scope="session")
def healthy() -> HipDisease:
    return HEALTHY


@pytest.fixture(scope="session")
def femur_of() -> Callable[..., Femur]:
    """The left femur of a person, by default a woman of 57, with its head's centre at x = 87 mm."""

    def make(
        person: Person = PERSON,
        disease: HipDisease = HEALTHY,
        **density: float,
    ) -> Femur:
        config = BoneDensityConfig(**density)
        traits = draw_femora(person, {"R": disease, "L": disease}, seed=5)
        return build_femur(traits["L"], draw_mineral(config, person, 5), config, "L", HEAD_MM)

    return make


@pytest.fixture(scope="session")
def voxels_of() -> Callable[..., FineBody]:
    """A femur down to 80 mm below its head's centre, compact bone of 950 mg/cm3."""

    def make(femur: Femur, voxel_mm: float) -> FineBody:
        return on_grid([femur.bone], GRID, voxel_mm, 950.0, 12.3, -80.0)

    return make


@pytest.fixture(scope="session")
def on_one_grid() -> Callable[[Sequence[FineBody]], list[np.ndarray]]:
    """Each body's share of the CT's voxels, all on one box that holds them all."""

    def gather(bodies: Sequence[FineBody]) -> list[np.ndarray]:
        shares = [coarser(body, (1, 1, 1)) for body in bodies]
        first = np.array([body.first for body in bodies])
        low = first.min(axis=0)
        high = np.max([f + s.shape[::-1] for f, s in zip(first, shares, strict=True)], axis=0)
        result = []
        for start, share in zip(first - low, shares, strict=True):
            whole = np.zeros((high - low)[::-1])
            (x, y, z), (nz, ny, nx) = start, share.shape
            whole[z : z + nz, y : y + ny, x : x + nx] = share
            result.append(whole)
        return result

    return gather
