"""Random changes of images and volumes."""

from __future__ import annotations

import pytest
import torch

from bmdpipe.core.config.supervised import VariationConfig
from bmdpipe.pairs.vary import draw, is_active

STILL = VariationConfig(rotation_deg=0, shift_fraction=0, scale=0, gain=0, mirror=False)
SIZES = [(12, 20), (8, 12, 10)]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("size", SIZES)
def test_nothing_configured_changes_nothing(size: tuple[int, ...]) -> None:
    images = torch.rand(3, 1, *size, generator=generator())
    assert not is_active(STILL)
    torch.testing.assert_close(draw(3, size, STILL, generator()).applied(images), images)


@pytest.mark.parametrize("size", SIZES)
def test_mirroring_turns_the_last_axis_round(size: tuple[int, ...]) -> None:
    images = torch.rand(40, 1, *size, generator=generator())
    changed = draw(40, size, STILL.model_copy(update={"mirror": True}), generator()).applied(images)
    same = [torch.allclose(a, b, atol=1e-5) for a, b in zip(changed, images, strict=True)]
    turned = [
        torch.allclose(a, b.flip(-1), atol=1e-5) for a, b in zip(changed, images, strict=True)
    ]
    assert all(a != b for a, b in zip(same, turned, strict=True))
    assert 8 < sum(turned) < 32


def test_a_turn_keeps_distances_in_pixels() -> None:
    """A disc in the middle of a wide image stays a disc."""
    y, x = torch.meshgrid(torch.arange(40.0), torch.arange(80.0), indexing="ij")
    disc = (((y - 19.5) ** 2 + (x - 39.5) ** 2) < 100).float()[None, None]
    config = STILL.model_copy(update={"rotation_deg": 90.0})
    for seed in range(3):
        changed = draw(1, (40, 80), config, generator(seed)).applied(disc)
        assert float((changed - disc).abs().mean()) < 0.02


def test_gain_scales_and_leaves_targets_alone() -> None:
    config = STILL.model_copy(update={"gain": 0.5})
    drawn = draw(5, (6, 6), config, generator())
    images = torch.ones(5, 1, 6, 6)
    torch.testing.assert_close(drawn.applied(images)[:, 0, 0, 0], drawn.gain)
    torch.testing.assert_close(drawn.moved(images), images)
    assert float(drawn.gain.min()) >= 0.5
    assert float(drawn.gain.max()) <= 1.5
