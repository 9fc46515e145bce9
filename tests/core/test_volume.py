"""A volume's geometry agrees with ITK's."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from scipy.spatial.transform import Rotation

from bmdpipe.core.volume import Volume, bounding_slices


@pytest.fixture
def volume():
    rng = np.random.default_rng(0)
    return Volume(
        array=rng.normal(size=(5, 6, 7)),
        spacing_mm=(0.7, 0.8, 2.5),
        origin_mm=(-10.0, 20.0, 30.0),
        unit="HU",
        direction=Rotation.from_euler("xyz", [10, -20, 35], degrees=True).as_matrix(),
    )


def as_itk(volume):
    image = sitk.GetImageFromArray(volume.array)
    image.SetSpacing(volume.spacing_mm)
    image.SetOrigin(volume.origin_mm)
    image.SetDirection(volume.direction.ravel().tolist())
    return image


def test_points_agree_with_itk(volume):
    image = as_itk(volume)
    for index in [(0, 0, 0), (6, 5, 4), (1, 4, 2)]:
        assert volume.world_at(np.array(index)) == pytest.approx(
            image.TransformIndexToPhysicalPoint(index)
        )


def test_index_inverts_world(volume):
    index = np.random.default_rng(1).uniform(-3, 9, size=(20, 3))
    assert volume.index_at(volume.world_at(index)) == pytest.approx(index)


def test_a_crop_keeps_values_where_they_were(volume):
    box = volume.crop(slice(1, 4), slice(2, 6), slice(3, 5))
    assert box.world_at(np.zeros(3)) == pytest.approx(volume.world_at(np.array([3, 2, 1])))
    assert box.array[0, 0, 0] == volume.array[1, 2, 3]


def test_bounding_slices_hold_everything_and_no_more():
    mask = np.zeros((4, 5, 6), bool)
    mask[1:3, 2, 3:5] = True
    assert bounding_slices(mask) == (slice(1, 3), slice(2, 3), slice(3, 5))
    assert bounding_slices(mask, margin=9) == (slice(0, 4), slice(0, 5), slice(0, 6))
    with pytest.raises(ValueError, match="empty"):
        bounding_slices(np.zeros((2, 2, 2), bool))
