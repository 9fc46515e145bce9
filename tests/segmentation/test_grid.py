"""Working slices lie where the CT's pixels lie."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from hypothesis import given
from hypothesis import strategies as st

from bmdpipe.core.config.segmentation import SegmentationNetwork
from bmdpipe.core.volume import Volume
from bmdpipe.segmentation.grid import (
    AIR_HU,
    Resampler,
    WorkingGrid,
    axis_weights,
    body_centre,
    window,
)
from tests.segmentation.bodies import toy

CPU = torch.device("cpu")


def grid_of(pixel_mm: float, matrix: tuple[int, int], centre: tuple[float, float]) -> WorkingGrid:
    config = SegmentationNetwork(depth=2, pixel_mm=pixel_mm, matrix_px=matrix)
    return WorkingGrid.around(centre, config)


def ramp() -> Volume:
    """Each voxel holds 3 x + 2 y of its place in the world."""
    empty = Volume(np.zeros((2, 50, 60), np.float32), (1.5, 1.5, 3.0), (-44.0, -30.0, 0.0), "HU")
    z, y, x = np.indices(empty.array.shape)
    world = empty.world_at(np.stack([x, y, z], axis=-1))
    return empty.like((3 * world[..., 0] + 2 * world[..., 1]).astype(np.float32), "HU")


@pytest.mark.parametrize("pixel_mm", [0.7, 1.5, 2.0, 3.0])
def test_a_ramp_keeps_its_place_there_and_back(pixel_mm: float) -> None:
    ct = ramp()
    grid = grid_of(pixel_mm, (16, 12), (1.3, 2.4))
    resampler = Resampler.between(ct, grid, CPU)
    slices = resampler.slices(torch.from_numpy(ct.array))
    x = grid.first_mm[0] + pixel_mm * np.arange(16)
    y = grid.first_mm[1] + pixel_mm * np.arange(12)
    np.testing.assert_allclose(slices[0], 3 * x + 2 * y[:, None], atol=1e-2)
    back = resampler.to_ct(slices)
    inside = resampler.to_ct(torch.ones_like(slices)) > 0.9999
    assert inside.sum() > 20
    np.testing.assert_allclose(back[inside], torch.from_numpy(ct.array)[inside], atol=1e-2)


def test_finer_pixels_agree_with_simpleitk() -> None:
    rng = np.random.default_rng(0)
    ct = ramp()
    ct = ct.like(rng.normal(0, 100, ct.array.shape).astype(np.float32), "HU")
    grid = grid_of(0.9, (40, 32), (0.4, 5.1))
    image = sitk.GetImageFromArray(ct.array)
    image.SetSpacing(ct.spacing_mm)
    image.SetOrigin(ct.origin_mm)
    reference = sitk.Image(40, 32, 2, sitk.sitkFloat32)
    reference.SetSpacing((0.9, 0.9, 3.0))
    reference.SetOrigin((*grid.first_mm, 0.0))
    expected = sitk.GetArrayFromImage(
        sitk.Resample(image, reference, sitk.Transform(), sitk.sitkLinear)
    )
    found = Resampler.between(ct, grid, CPU).slices(torch.from_numpy(ct.array))
    np.testing.assert_allclose(found, expected, atol=1e-2)


@given(
    n=st.integers(2, 40),
    source_mm=st.floats(0.5, 3),
    factor=st.floats(1.0, 5),
    shift=st.floats(-1, 1),
)
def test_averaging_keeps_the_mass(n: int, source_mm: float, factor: float, shift: float) -> None:
    target_mm = source_mm * factor * 1.01
    count = int(n / factor) + 4
    first = (n - 1) / 2 * source_mm - (count - 1) / 2 * target_mm + shift * target_mm
    weights = axis_weights((count, target_mm, first), (n, source_mm, 0.0))
    np.testing.assert_allclose(weights.sum(0) * target_mm, source_mm, rtol=1e-4)
    assert weights.sum(1).max() <= 1 + 1e-5


def test_outside_the_ct_is_air() -> None:
    ct = ramp()
    slices = Resampler.between(ct, grid_of(3.0, (64, 64), (0, 0)), CPU).slices(
        torch.from_numpy(ct.array)
    )
    assert slices[0, 0, 0] == AIR_HU


def test_shares_keep_the_area_and_the_border() -> None:
    ct = ramp()
    classes = torch.zeros(1, 50, 60, dtype=torch.uint8)
    classes[:, 10:30, 20:40] = 1
    classes[:, 30:40, 20:40] = 2
    resampler = Resampler.between(ct, grid_of(4.5, (20, 20), (0, 0)), CPU)
    shares = resampler.shares(classes, 3)
    areas = (shares.sum((2, 3)) * 4.5**2)[0]
    np.testing.assert_allclose(areas, [20 * 20 * 1.5**2, 10 * 20 * 1.5**2], rtol=1e-5)
    back = resampler.to_ct(shares)
    found = torch.where(back.amax(1) > 1 - back.sum(1), back.argmax(1) + 1, 0)
    assert (found == classes).float().mean() > 0.99


def test_a_volume_that_is_not_canonical_is_refused() -> None:
    ct = ramp()
    turned = Volume(ct.array, ct.spacing_mm, ct.origin_mm, "HU", np.diag([-1.0, -1.0, 1.0]))
    with pytest.raises(ValueError, match="canonical"):
        Resampler.between(turned, grid_of(3.0, (8, 8), (0, 0)), CPU)


def test_the_body_is_centred_beside_a_table() -> None:
    ct = toy(noise_hu=0).ct
    alone = body_centre(ct)
    with_table = ct.array.copy()
    with_table[:, -3, :] = 200
    assert body_centre(ct.like(with_table, "HU")) == alone
    rows, columns = np.nonzero((ct.array > -300).any(axis=0))
    truth = ct.world_at(
        np.array([np.mean([columns.min(), columns.max()]), np.mean([rows.min(), rows.max()]), 0])
    )
    assert abs(alone[0] - truth[0]) <= 8
    assert abs(alone[1] - truth[1]) <= 8


def test_an_empty_ct_has_no_body() -> None:
    ct = toy().ct
    with pytest.raises(ValueError, match="no body"):
        body_centre(ct.like(np.full_like(ct.array, -1000), "HU"))


def test_window_clips() -> None:
    hu = torch.tensor([-1000.0, -150.0, 100.0, 350.0, 3000.0])
    assert window(hu, (-150, 350)).tolist() == [0, 0, 0.5, 1, 1]
