"""A small chest cohort, made once."""

from __future__ import annotations

import pytest

from bmdpipe.core.config.virtual.chest import ChestConfig
from bmdpipe.virtual.chest.simulate import ChestCase, make_chest_case


@pytest.fixture(scope="session")
def small() -> ChestConfig:
    return ChestConfig(seed=3, n_cases=40, size_px=80, grid_mm=4.0, soft_grid_mm=8.0)


@pytest.fixture(scope="session")
def cases(small) -> list[ChestCase]:
    return [make_chest_case(small, number) for number in range(1, small.n_cases + 1)]


@pytest.fixture(scope="session")
def fine() -> ChestCase:
    """One case at a resolution that shows single ribs."""
    return make_chest_case(ChestConfig(seed=3, size_px=256, grid_mm=1.5, soft_grid_mm=4.0), 1)
