"""Augmentation: drawn once, applied the same each time, and labels move with the picture."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from bmdpipe.core.config.segmentation import SegmentationAugmentation
from bmdpipe.segmentation.augmentation import Change, apply, draw

NONE = SegmentationAugmentation(
    rotation_deg=0, scale=0, shift_mm=0, mirror=False, hu_scale=0, hu_shift=0, noise_hu=0
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def still(n: int = 2) -> Change:
    return draw(NONE, n, 2.0, generator())


def picture() -> tuple[torch.Tensor, torch.Tensor]:
    hu = torch.full((2, 20, 30), -1000, dtype=torch.int16)
    classes = torch.zeros(2, 1, 20, 30, dtype=torch.uint8)
    hu[:, 5:9, 10:20] = 300
    classes[:, :, 5:9, 10:20] = 255
    return hu, classes


def test_zero_limits_change_nothing() -> None:
    hu, classes = picture()
    changed, labels = apply(hu, classes, still())
    torch.testing.assert_close(changed, hu.float(), atol=1e-2, rtol=0)
    torch.testing.assert_close(labels, classes.float(), atol=0.1, rtol=0)


def test_the_same_parameters_give_the_same_slices() -> None:
    change = draw(SegmentationAugmentation(), 2, 2.0, generator())
    one, two = apply(*picture(), change), apply(*picture(), change)
    assert torch.equal(one[0], two[0])
    assert torch.equal(one[1], two[1])


def test_parameters_stay_within_their_limits() -> None:
    config = SegmentationAugmentation()
    change = draw(config, 500, 2.0, generator(3))
    assert change.rotation.abs().max() <= math.radians(config.rotation_deg)
    assert (change.scale - 1).abs().max() <= config.scale
    assert change.shift_px.abs().max() <= config.shift_mm / 2.0
    assert set(change.mirror.tolist()) == {-1.0, 1.0}
    assert change.hu_shift.abs().max() <= config.hu_shift
    assert (change.hu_scale - 1).abs().max() <= config.hu_scale
    assert change.noise_hu.min() >= 0
    assert change.noise_hu.max() <= config.noise_hu


def test_mirror_and_whole_pixel_shift_are_exact() -> None:
    hu, classes = picture()
    mirrored, labels = apply(hu, classes, dataclasses.replace(still(), mirror=-torch.ones(2)))
    torch.testing.assert_close(mirrored, hu.flip(2).float(), atol=1e-2, rtol=0)
    torch.testing.assert_close(labels, classes.flip(3).float(), atol=0.1, rtol=0)
    shift = dataclasses.replace(still(), shift_px=torch.tensor([[3.0, -2.0]] * 2))
    moved, labels = apply(hu, classes, shift)
    torch.testing.assert_close(moved, hu.roll((2, -3), (1, 2)).float(), atol=0.1, rtol=0)
    torch.testing.assert_close(labels, classes.roll((2, -3), (2, 3)).float(), atol=0.1, rtol=0)


@pytest.mark.parametrize("degrees", [90.0, -90.0])
def test_a_quarter_turn_of_a_slice_that_is_not_square_keeps_its_form(degrees: float) -> None:
    hu, classes = picture()
    classes = torch.zeros_like(classes)
    classes[:, :, 8:12, 11:19] = 1
    change = dataclasses.replace(still(), rotation=torch.full((2,), math.radians(degrees)))
    _, labels = apply(hu, classes, change)
    expected = torch.zeros_like(classes)
    expected[:, :, 6:14, 13:17] = 1
    torch.testing.assert_close(labels, expected.float(), atol=1e-4, rtol=0)


def test_scale_changes_the_area_by_its_square() -> None:
    hu, classes = picture()
    classes = torch.zeros_like(classes)
    classes[:, :, 6:14, 11:19] = 1
    _, labels = apply(hu, classes, dataclasses.replace(still(), scale=torch.full((2,), 0.5)))
    assert labels[0].sum().item() == pytest.approx(16 * 16, rel=1e-3)


def test_hu_and_noise_are_added_as_drawn() -> None:
    hu = torch.full((1, 64, 64), 100, dtype=torch.int16)
    classes = torch.zeros(1, 1, 64, 64, dtype=torch.uint8)
    change = dataclasses.replace(
        still(1), hu_scale=torch.tensor([1.1]), hu_shift=torch.tensor([-20.0])
    )
    inside = apply(hu, classes, change)[0]
    torch.testing.assert_close(inside, torch.full_like(inside, 90.0), atol=0.1, rtol=0)
    noisy = apply(hu, classes, dataclasses.replace(change, noise_hu=torch.tensor([50.0])))[0]
    assert abs((noisy - inside).std().item() - 50) < 3
