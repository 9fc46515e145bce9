"""The checks that stand beside a map, and the picture of a representation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr
from sklearn.decomposition import PCA
from torch import Tensor, nn

from bmdpipe.explain.components import first_component
from bmdpipe.explain.faithfulness import cell_labels, faithfulness
from bmdpipe.explain.randomised import map_similarity, with_shuffled_weights

REGION = (slice(8, 16), slice(4, 12))


def looks_at_region(images: Tensor) -> Tensor:
    """A model whose output depends on one known region and on nothing else."""
    return images[:, 0, REGION[0], REGION[1]].mean(dim=(1, 2))


def picture() -> Tensor:
    image = torch.rand(1, 32, 24, generator=torch.Generator().manual_seed(0))
    image[0, REGION[0], REGION[1]] += 2.0
    return image


def score(attention: np.ndarray, predict=looks_at_region):
    random = np.random.default_rng(0)
    return faithfulness(predict, picture(), {"map": attention}, 8, 24, 30, random)["map"]


def true_map() -> np.ndarray:
    attention = np.zeros((32, 24))
    attention[REGION] = 1.0
    return attention


def test_the_true_region_beats_every_random_order() -> None:
    result = score(true_map())
    assert result.deletion_rank == 1.0
    assert result.insertion_rank == 1.0
    assert result.deletion_gain is not None
    assert result.deletion_gain > 1.3
    assert result.insertion_gain is not None
    assert result.insertion_gain > 1.3


def test_the_opposite_map_loses_against_every_random_order() -> None:
    result = score(1.0 - true_map())
    assert result.deletion_rank == 0.0
    assert result.insertion_rank == 0.0


def test_a_map_without_meaning_is_about_random() -> None:
    ranks = [
        score(np.random.default_rng(seed).random((32, 24))).deletion_rank for seed in range(20)
    ]
    assert 0.25 < np.mean(ranks) < 0.75


def test_deletion_is_the_mean_distance_of_brute_force() -> None:
    attention = np.random.default_rng(1).random((32, 24))
    image, label = picture(), cell_labels((32, 24), 8)
    importance = [attention[label == c].mean() for c in range(label.max() + 1)]
    distances_out, distances_in = [], []
    whole = float(looks_at_region(image[None]))
    for gone in range(1, len(importance)):
        chosen = np.isin(label, np.argsort(importance)[::-1][:gone])
        removed, added = image.clone(), torch.full_like(image, float(image.mean()))
        removed[0, chosen] = image.mean()
        added[0, chosen] = image[0, chosen]
        distances_out.append(abs(float(looks_at_region(removed[None])) - whole))
        distances_in.append(abs(float(looks_at_region(added[None])) - whole))
    result = faithfulness(
        looks_at_region, image, {"m": attention}, 8, len(importance), 2, np.random.default_rng(0)
    )["m"]
    assert result.deletion == pytest.approx(np.mean(distances_out), abs=1e-6)
    assert result.insertion == pytest.approx(np.mean(distances_in), abs=1e-6)


def test_a_model_that_ignores_the_image_gives_no_gain() -> None:
    result = score(true_map(), lambda images: torch.zeros(len(images)))
    assert result.deletion_gain is None
    assert result.insertion_gain is None
    assert result.deletion_rank == 0.0


@given(st.integers(3, 40), st.integers(3, 40), st.integers(1, 12))
def test_cells_cover_the_image_and_are_counted_without_gaps(
    height: int, width: int, cells: int
) -> None:
    label = cell_labels((height, width), min(cells, height, width))
    assert set(np.unique(label)) == set(range(label.max() + 1))
    along = label if height >= width else label.T
    assert len(np.unique(along[:, 0])) == min(cells, height, width)


def model() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 1))


def test_shuffled_weights_keep_values_and_change_places() -> None:
    trained = model()
    before = [p.clone() for p in trained.parameters()]
    shuffled = with_shuffled_weights(trained, torch.Generator().manual_seed(0))
    for old, kept, new in zip(before, trained.parameters(), shuffled.parameters(), strict=True):
        assert torch.equal(old, kept)
        assert torch.equal(old.flatten().sort().values, new.flatten().sort().values)
        assert old.numel() < 3 or not torch.equal(old, new)


def test_similarity_is_spearmans() -> None:
    first, second = np.random.default_rng(0).random((2, 9, 7))
    expected = spearmanr(first.ravel(), second.ravel()).statistic
    assert map_similarity(first, second) == pytest.approx(expected)
    assert map_similarity(first, 3 * first + 1) == pytest.approx(1.0)
    assert map_similarity(first, np.zeros((9, 7))) is None


def test_the_first_component_is_sklearns() -> None:
    representation = (
        np.random.default_rng(0).normal(size=(6, 10, 8)) * np.arange(1, 7)[:, None, None]
    )
    found = first_component(representation)
    fit = PCA(1).fit(representation.reshape(6, -1).T)
    theirs = fit.transform(representation.reshape(6, -1).T)[:, 0].reshape(10, 8)
    assert found.explained == pytest.approx(fit.explained_variance_ratio_[0])
    assert np.abs(found.scores) == pytest.approx(np.abs(theirs))


@given(st.integers(0, 100))
def test_the_components_sign_does_not_depend_on_the_representations(seed: int) -> None:
    representation = np.random.default_rng(seed).gamma(1.0, size=(3, 12, 12))
    mirrored = first_component(-representation).scores
    assert mirrored == pytest.approx(first_component(representation).scores, abs=1e-8)


def test_a_constant_representation_has_an_empty_picture() -> None:
    found = first_component(np.ones((4, 5, 5)))
    assert found.explained == 0.0
    assert not found.scores.any()
