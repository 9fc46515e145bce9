"""Augmentation: drawn once, applied the same each time, and labels move with the picture."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from bmdpipe.core.config.segmentation import SegmentationAugmentation
from bmdpipe.segmentation.augmentation import Change, apply, draw, repeated

ZERO = dict.fromkeys(SegmentationAugmentation.model_fields, 0)
NONE = SegmentationAugmentation.model_validate({**ZERO, "mirror": False})
HU_ONLY = {"hu_scale": 0.1, "hu_shift": 30, "noise_hu": 20}


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def still(n: int = 2, size: tuple[int, int] = (20, 30)) -> Change:
    return draw(NONE, (n, *size), 2.0, generator())


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
    change = draw(SegmentationAugmentation(), (2, 20, 30), 2.0, generator())
    one, two = apply(*picture(), change), apply(*picture(), change)
    assert torch.equal(one[0], two[0])
    assert torch.equal(one[1], two[1])


def test_parameters_stay_within_their_limits() -> None:
    config = SegmentationAugmentation()
    change = draw(config, (500, 8, 8), 2.0, generator(3))
    assert change.rotation.abs().max() <= math.radians(config.rotation_deg)
    assert change.scale.max() <= (1 + config.scale) * (1 + config.stretch)
    assert change.scale.min() >= (1 - config.scale) * (1 - config.stretch)
    assert change.bend_px is not None
    assert change.bend_px.abs().max() <= config.bend_mm / 2.0
    assert change.shift_px.abs().max() <= config.shift_mm / 2.0
    assert set(change.mirror.tolist()) == {-1.0, 1.0}
    look = change.appearance
    assert look.hu_shift.abs().max() <= config.hu_shift
    assert (look.hu_scale - 1).abs().max() <= config.hu_scale
    assert look.noise_hu.min() >= 0
    assert look.noise_hu.max() <= config.noise_hu
    assert look.marrow_gain.log().abs().max() <= config.bone_gain + 1e-6
    for share, hit in (
        (config.cut_share, change.seen[:, 0] < 2),
        (config.agent_share, look.agent_hu > 0),
        (config.metal_share, look.metal_mm > 0),
    ):
        assert abs(hit.float().mean().item() - share) < 4 * (share / 500) ** 0.5


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
    _, labels = apply(hu, classes, dataclasses.replace(still(), scale=torch.full((2, 2), 0.5)))
    assert labels[0].sum().item() == pytest.approx(16 * 16, rel=1e-3)


def test_a_bend_moves_image_and_labels_alike() -> None:
    """Labels of a picture that is brighter by its labels stay where it is brighter."""
    config = SegmentationAugmentation.model_validate({**ZERO, "mirror": False, "bend_mm": 12})
    classes = picture()[1]
    hu = (classes[:, 0].float() * 4 - 1000).to(torch.int16)
    change = draw(config, (2, 20, 30), 2.0, generator(1))
    bent, labels = apply(hu, classes, change)
    torch.testing.assert_close((bent + 1000) / 4, labels[:, 0], atol=0.1, rtol=0)
    assert (labels - classes).abs().max() > 100


def test_outside_the_field_of_view_lie_air_and_background() -> None:
    hu, classes = torch.full((2, 20, 30), 40), torch.full((2, 1, 20, 30), 255)
    half = dataclasses.replace(still(), seen=torch.tensor([[0.5, 0.5, 0.0, 0.0]] * 2))
    square = dataclasses.replace(half, round_field=torch.tensor([False, False]))
    seen, labels = apply(hu, classes, square)
    assert (seen[:, 5:15, 8:22] == 40).all()
    assert (labels[:, :, 5:15, 8:22] == 255).all()
    assert (seen[:, :5] == -1000).all()
    assert (labels[:, :, :, :7] == 0).all()
    round_ = dataclasses.replace(half, round_field=torch.tensor([True, True]))
    area = (apply(hu, classes, round_)[1] > 0).float().sum((1, 2, 3))
    torch.testing.assert_close(area, torch.full((2,), math.pi * 7.5**2), rtol=0.08, atol=0)


def test_a_slab_moves_as_a_whole() -> None:
    hu, classes = picture()
    change = draw(SegmentationAugmentation(noise_hu=0), (1, 20, 30), 2.0, generator(5))
    _, labels = apply(hu, classes, repeated(change, 2))
    assert torch.equal(labels[0], labels[1])
    assert not torch.equal(labels[0], classes[0].float())
