"""A small lumbar cohort, made once."""

from __future__ import annotations

import pytest

from bmdpipe.core.config.virtual.lumbar import LumbarConfig
from bmdpipe.virtual.lumbar.simulate import LumbarCase, make_lumbar_case


@pytest.fixture(scope="session")
def small() -> LumbarConfig:
    """A field of 180 mm around the spine."""
    return LumbarConfig(seed=5, n_cases=30, matrix=144, pixel_mm=1.25, slices=5, grid_mm=1.2)


@pytest.fixture(scope="session")
def cases(small) -> list[LumbarCase]:
    return [make_lumbar_case(small, number) for number in range(1, 17)]
