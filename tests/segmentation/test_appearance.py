"""The look of a slice changes as drawn, and nothing but metal takes bone away."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from bmdpipe.core.config.segmentation import SegmentationAugmentation
from bmdpipe.segmentation.appearance import Appearance, appear, draw_appearance
from bmdpipe.segmentation.smooth_noise import blurred, smooth_noise

ZERO = SegmentationAugmentation.model_validate(
    dict.fromkeys(SegmentationAugmentation.model_fields, 0) | {"mirror": False}
)
SIZE = (1, 64, 80)


def plain(**changes: object) -> Appearance:
    look = draw_appearance(ZERO, 1, 1.0, torch.Generator().manual_seed(0))
    return dataclasses.replace(look, **changes)


def body(hu: float = 40.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Soft tissue with a square of bone at 300 HU."""
    shares = torch.zeros(1, 2, 64, 80)
    shares[:, 1, 20:40, 30:50] = 255
    return torch.where(shares.sum(1) > 0, 300.0, hu), shares


def test_nothing_drawn_changes_nothing() -> None:
    hu, shares = body()
    seen, left = appear(hu, shares, plain())
    torch.testing.assert_close(seen, hu)
    assert torch.equal(left, shares)


def test_scale_shift_and_noise_are_those_drawn() -> None:
    hu, shares = torch.full(SIZE, 100.0), torch.zeros(1, 2, 64, 80)
    change = {"hu_scale": torch.tensor([1.1]), "hu_shift": torch.tensor([-20.0])}
    inside = appear(hu, shares, plain(**change))[0]
    torch.testing.assert_close(inside, torch.full_like(inside, 90.0))
    for grain in (0.0, 1.0):
        look = plain(**change, noise_hu=torch.tensor([50.0]), noise_grain=torch.tensor([grain]))
        noisy = appear(hu, shares, look)[0]
        assert (noisy - inside).std().item() == pytest.approx(50, rel=0.1)


def test_the_curve_of_bone_leaves_soft_tissue_alone() -> None:
    hu, shares = body()
    look = plain(marrow_gain=torch.tensor([2.0]), marrow_hu=torch.tensor([10.0]))
    seen = appear(hu, shares, look)[0]
    assert (seen[:, 20:40, 30:50] == 50 + 10 + 2 * 250).all()
    assert (seen[:, :20] == 40).all()
    dense = torch.full_like(hu, 1000.0)
    seen = appear(dense, shares, plain(cortex_gain=torch.tensor([0.5])))[0]
    assert (seen[:, 20:40, 30:50] == 400 + 0.5 * 600).all()


def test_patches_change_cancellous_bone_alone() -> None:
    hu, shares = body()
    hu[:, 30:40, 30:50] = 1200
    seen = appear(hu, shares, plain(patch_hu=torch.tensor([100.0])))[0]
    changed = (seen - hu).abs() > 1
    assert changed[:, 20:30, 30:50].float().mean() > 0.9
    assert not changed[:, 30:].any()
    assert not changed[:, :20].any()


def test_contrast_agent_and_gas_stay_out_of_bone_and_in_the_body() -> None:
    hu, shares = body()
    hu[:, :10] = -1000
    look = plain(agent_hu=torch.tensor([900.0]), gas=torch.tensor([True]), seed=3)
    seen = appear(hu, shares, look)[0]
    changed = seen != hu
    assert set(seen[changed].tolist()) == {900.0, -1000.0}
    assert not changed[:, 20:40, 30:50].any()
    assert not changed[:, :10].any()


def test_an_implant_takes_bone_away_and_casts_streaks() -> None:
    hu, shares = body()
    look = plain(metal_mm=torch.tensor([5.0]), streak_hu=torch.tensor([300.0]))
    seen, left = appear(hu, shares, look)
    gone = (shares != left).any(1)
    assert gone.sum() > 10
    assert (seen[gone] == 40).all()
    assert (seen != hu).float().mean() > 0.9
    assert torch.equal(body()[1], shares)


@pytest.mark.parametrize(("sharpness", "steeper"), [(-1.0, False), (1.0, True)])
def test_blur_and_sharpening_change_the_edge(sharpness: float, steeper: bool) -> None:
    hu, shares = body()
    look = plain(sigma_px=1.5, sharpness=torch.tensor([sharpness]))
    seen = appear(hu, shares, look)[0]
    edge = (seen[0, 30, 30] - seen[0, 30, 29]).item()
    assert (edge > 260) == steeper
    assert seen.mean().item() == pytest.approx(hu.mean().item(), abs=0.5)


def test_the_same_look_is_the_same_picture() -> None:
    strong = SegmentationAugmentation(agent_share=1, metal_share=1)
    look = draw_appearance(strong, 1, 1.0, torch.Generator().manual_seed(5))
    one, two = appear(*body(), look), appear(*body(), look)
    assert torch.equal(one[0], two[0])
    assert torch.equal(one[1], two[1])


def test_smooth_noise_has_unit_variance_and_is_smooth() -> None:
    field = smooth_noise((8, 2, 96, 96), 12.0, torch.Generator().manual_seed(0))
    assert field.std().item() == pytest.approx(0.85, abs=0.2)
    step = (field[..., 1:] - field[..., :-1]).std()
    assert step < 0.25 * field.std()


def test_a_gaussian_spreads_a_point_by_its_sigma() -> None:
    point = torch.zeros(1, 41, 41)
    point[0, 20, 20] = 1
    spread = blurred(point, 2.0)[0]
    x = torch.arange(41) - 20.0
    assert spread.sum().item() == pytest.approx(1, abs=1e-5)
    assert (spread.sum(0) * x**2).sum().item() ** 0.5 == pytest.approx(2, rel=0.03)
    assert blurred(point, 0.0) is point
