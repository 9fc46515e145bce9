"""Single femora on grids of any fineness, without the rest of the body."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from bmdpipe.core.config.virtual.density import BoneDensityConfig
from bmdpipe.virtual.demographics import Person
from bmdpipe.virtual.hip.disease import HipDisease
from bmdpipe.virtual.hip.femur import Femur, build_femur
from bmdpipe.virtual.hip.femur_traits import draw_femora
from bmdpipe.virtual.hip.fine_grid import CtGrid, FineBody, on_grid
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
