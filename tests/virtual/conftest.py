"""One small virtual subject for all tests of this folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from bmdpipe.core.config.virtual.cohort import VirtualConfig
from bmdpipe.core.config.virtual.ct import CtConfig
from bmdpipe.core.config.virtual.xray import RadiographConfig
from bmdpipe.virtual.ct.scanner import Scan, scan
from bmdpipe.virtual.hip.anatomy import Anatomy, build_anatomy
from bmdpipe.virtual.subject import simulate_subject


@dataclass(frozen=True)
class Made:
    config: VirtualConfig
    folder: Path
    truth: dict
    anatomy: Anatomy
    scan: Scan


def small_config(**changes) -> VirtualConfig:
    ct = CtConfig(
        matrix=192, pixel_mm=2.0, slice_mm=4.0, above_crest_mm=0, below_lesser_trochanter_mm=70
    )
    room = RadiographConfig(width_px=256, pixel_mm=1.7, soft_grid_mm=5.0)
    values = {
        "seed": 11,
        "n_subjects": 5,
        "n_annotated": 2,
        "positionings": ("standing", "abduction"),
        "grid_mm": 1.5,
        "ct": ct,
        "radiograph": room,
    }
    return VirtualConfig(**{**values, **changes})


@pytest.fixture(scope="session")
def configured() -> Callable[..., VirtualConfig]:
    """The small config, with changes."""
    return small_config


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> Made:
    config = small_config()
    folder = tmp_path_factory.mktemp("virtual") / "V002"
    truth = simulate_subject(config, "V002", folder, True, config.positionings)
    anatomy = build_anatomy(config, 2)
    return Made(config, folder, truth, anatomy, scan(config, anatomy))
