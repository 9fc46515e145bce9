"""Copies of training pairs: both images alike, filters as scipy's."""

from __future__ import annotations

import pytest
import torch
from scipy import ndimage

from bmdpipe.core.config.bone_suppression import CopyVariationConfig, OfflineConfig, StillConfig
from bmdpipe.pairs.filtered_copies import FILTERS, with_copies


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_the_pairs_come_first_and_copies_stay_in_range() -> None:
    pairs = torch.rand(6, 2, 24, 24, generator=generator())
    made = with_copies(pairs, OfflineConfig(copies=3), generator())
    assert made.shape == (24, 2, 24, 24)
    torch.testing.assert_close(made[:6], pairs)
    assert made.min() >= 0
    assert made.max() <= 1


def test_both_images_of_a_pair_are_changed_alike() -> None:
    image = torch.rand(10, 1, 24, 24, generator=generator())
    made = with_copies(image.repeat(1, 2, 1, 1), OfflineConfig(copies=2), generator())
    torch.testing.assert_close(made[:, 0], made[:, 1])
    assert not torch.allclose(made[10:20], made[:10], atol=0.05)


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("median", lambda x: ndimage.median_filter(x, 3, mode="nearest")),
        ("minimum", lambda x: ndimage.minimum_filter(x, 3, mode="nearest")),
        ("maximum", lambda x: ndimage.maximum_filter(x, 3, mode="nearest")),
        ("unsharp", lambda x: 2 * x - ndimage.uniform_filter(x, 3, mode="nearest")),
    ],
)
def test_filters_are_scipys(name: str, theirs) -> None:
    image = torch.rand(1, 1, 12, 15, generator=generator()).double()
    made = FILTERS[name](image, OfflineConfig())
    torch.testing.assert_close(made[0, 0], torch.from_numpy(theirs(image[0, 0].numpy())))


def test_a_copy_without_any_change_is_filtered_in_turn() -> None:
    pairs = torch.rand(5, 2, 16, 16, generator=generator())
    made = with_copies(
        pairs,
        OfflineConfig(copies=1, variation=CopyVariationConfig(**StillConfig().model_dump())),
        generator(),
    )[5:]
    for row, apply in enumerate(FILTERS.values()):
        wanted = apply(pairs[row : row + 1], OfflineConfig()).clamp(0, 1)
        torch.testing.assert_close(made[row : row + 1], wanted, atol=1e-4, rtol=0)
