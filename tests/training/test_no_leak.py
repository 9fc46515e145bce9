"""What a leak would show: a model that reads BMD where there is nothing to be read."""

import numpy as np
import pytest
import torch

from bmdpipe.pairs.store import Pairs
from bmdpipe.training.data import with_values
from bmdpipe.training.prediction import estimate_from_images
from bmdpipe.training.stages import region_images, regress_regions

CPU = torch.device("cpu")
TRAINED, EPOCHS = 20, 25


@pytest.fixture
def longer(config):
    return config.model_copy(
        update={"conventional": config.conventional.model_copy(update={"epochs": EPOCHS})}
    )


def _subset(pairs, subjects):
    rows = np.array([i for i, case in enumerate(pairs.cases) if case.subject in subjects])
    return Pairs(tuple(pairs.cases[i] for i in rows), {k: v[rows] for k, v in pairs.images.items()})


def _correlation(pairs, bmd, pairs_config, config, state, change=lambda pairs, bmd: (pairs, bmd)):
    """Of held-out predictions with the truth, after `change` of the training's pairs or values."""
    subjects = sorted(bmd, key=lambda s: int(s[1:]))
    inside, outside = subjects[:TRAINED], subjects[TRAINED:]
    seen, given = change(_subset(pairs, inside), bmd)
    regions = region_images(seen, config.conventional.region_px, 0.1)
    model, _ = regress_regions(with_values(seen, regions, given), pairs_config, config, state)
    tested = _subset(pairs, outside)
    made = estimate_from_images(
        model, region_images(tested, config.conventional.region_px, 0.1), CPU
    )
    truth = [bmd[case.subject] for case in tested.cases]
    if np.ptp(made.values) < 1e-4 * np.ptp(truth):
        return 0.0  # the same answer for everybody
    return float(np.corrcoef(made.values, truth)[0, 1])


def _shuffled(pairs, bmd):
    names = sorted(bmd)
    order = np.random.default_rng(5).permutation(len(names))
    return pairs, {name: bmd[names[k]] for name, k in zip(names, order, strict=True)}


def _reversed(pairs, bmd):
    """Each radiograph with the projection and value of the case at the other end."""
    images = {**pairs.images, "radiograph": pairs.images["radiograph"][::-1].copy()}
    return Pairs(pairs.cases, images), bmd


def test_a_model_learns_from_pairs_and_not_from_shuffled_or_reversed_ones(
    made_up, pairs_config, longer, tmp_path
):
    pairs, bmd = made_up(subjects=52)

    def correlation(name, change):
        return _correlation(pairs, bmd, pairs_config, longer, tmp_path / name, change)

    assert correlation("a", lambda pairs, bmd: (pairs, bmd)) > 0.6
    # 64 held-out images of 32 subjects: |r| < 0.35 is what chance gives to 95 % of such tests.
    assert abs(correlation("b", _shuffled)) < 0.45
    assert abs(correlation("c", _reversed)) < 0.45


def test_a_constant_image_tells_nothing(made_up, pairs_config, longer, tmp_path):
    """Constant but for noise of its own; without even that a training is refused."""
    pairs, bmd = made_up(subjects=52)
    shape = pairs.images["radiograph"].shape
    noise = 0.01 * np.random.default_rng(7).standard_normal(shape).astype(np.float32)

    def correlation(radiographs):
        same = Pairs(pairs.cases, {**pairs.images, "radiograph": radiographs})
        return _correlation(same, bmd, pairs_config, longer, tmp_path)

    assert abs(correlation(0.5 + noise)) < 0.45
    with pytest.raises(ValueError, match="constant images"):
        correlation(np.full(shape, 0.5, dtype=np.float32))
