"""A made-up fold: bright discs of known density under a smooth background that tells nothing."""

import numpy as np
import pytest

from bmdpipe.core.config.pairs import AugmentationConfig, PairsConfig
from bmdpipe.core.config.study import Decomposer
from bmdpipe.core.config.training import TrainingConfig
from bmdpipe.geometry.camera import Camera
from bmdpipe.pairs.store import Case, Pairs
from tests.training.made_up_cohort import run, write_cohort
from workflow_scripts.folds import folds
from workflow_scripts.pairs import pairs

SIZE = (16, 32)
CAMERA = Camera.centred(1200.0, (4.0, 4.0), SIZE)


def make_pairs(subjects=6, seed=0):
    """Two positionings of one target hip per subject; BMD is the disc's density over 1000."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:32, :16]
    cases, stacks, bmd = [], {"radiograph": [], "bones": [], "pf": []}, {}
    for number in range(subjects):
        subject = f"S{number}"
        density = rng.uniform(400, 900)
        bmd[subject] = density / 1000
        for row, positioning in enumerate(("standing", "supine")):
            cx, cy = rng.uniform(6, 10), rng.uniform(12, 20)
            disc = np.where(np.hypot(x - cx, y - cy) < 4.5, density, 0.0)
            shaft = np.where((abs(x - cx) < 2) & (y > cy + 4.5), 0.7 * density, 0.0)
            background = 0.2 + 0.2 * rng.random() * np.cos(y / 10 + rng.random())
            stacks["radiograph"].append(0.0006 * (disc + shaft) + background)
            stacks["bones"].append(disc + shaft)
            stacks["pf"].append(disc)
            cases.append(
                Case(subject, positioning, positioning, "R", row, True, CAMERA, False, 1.0)
            )
    images = {k: np.stack(v).astype(np.float32) for k, v in stacks.items()}
    return Pairs(tuple(cases), images), bmd


@pytest.fixture
def made_up():
    """Makes a fold of more subjects."""
    return make_pairs


@pytest.fixture
def fold():
    return make_pairs()


@pytest.fixture
def pairs_config():
    mild = AugmentationConfig(
        rotation_deg=5, shear_deg=1, translation_fraction=0.03, scale=0.05, brightness=0.1,
        contrast=0.1, flip_horizontal=True, flip_vertical=False,
    )  # fmt: skip
    return PairsConfig(size_px=SIZE, standardise="cohort", augmentation=mild)


@pytest.fixture
def decomposer():
    return Decomposer(backbone="resnet_tiny")


@pytest.fixture
def config():
    fast = {"learning_rate": 3e-3, "first_cycle_epochs": None}
    return TrainingConfig.model_validate(
        {
            "device": "cpu",
            "checkpoint_every_epochs": 1,
            "decomposition": {
                "batch_size": 4,
                "optimiser": fast,
                "discriminator": {"scales": 1, "filters": 4, "layers": 1},
            },
            "regression": {
                "batch_size": 4,
                "frozen_epochs": 2,
                "tuned_epochs": 2,
                "optimiser": fast,
                "tuned_learning_rate": 1e-3,
                "head": {"dims": [8, 16], "depths": [1, 1], "head_dim": 8},
            },
            "conventional": {
                "model": "vgg_tiny",
                "region_px": 16,
                "epochs": 2,
                "optimiser": fast,
            },
        }
    )


@pytest.fixture
def cohort(tmp_path, config, pairs_config):
    return write_cohort(tmp_path, config, pairs_config)


@pytest.fixture
def ready(cohort):
    """With folds and pairs."""
    run(folds, cohort("folds"))
    run(pairs, cohort("pairs"))
    return cohort
