"""NIfTI in and out: LPS in memory, RAS on disk, as SimpleITK sees it."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from scipy.spatial.transform import Rotation

from bmdpipe.core.config.imaging import ImagingConfig
from bmdpipe.core.errors import CaseError
from bmdpipe.core.image import Image
from bmdpipe.core.volume import Volume
from bmdpipe.imaging.ct import ct_from_volume
from bmdpipe.imaging.nifti import (
    read_foreign,
    read_image,
    read_meta,
    read_volume,
    write_image,
    write_volume,
)
from bmdpipe.imaging.orientation import labels_on

from .series import REAL_DATA


def volume(direction: np.ndarray | None = None) -> Volume:
    array = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)
    return Volume(
        array,
        (1.5, 2.0, 3.0),
        (-10.0, 20.0, -300.0),
        "HU",
        np.eye(3) if direction is None else direction,
    )


@pytest.mark.parametrize("degrees", [0.0, 30.0])
def test_simpleitk_sees_the_same_voxels_at_the_same_places(tmp_path: Path, degrees: float) -> None:
    ours = volume(Rotation.from_euler("xyz", [degrees, 0, degrees], degrees=True).as_matrix())
    write_volume(tmp_path / "a.nii.gz", ours)
    theirs = sitk.ReadImage(str(tmp_path / "a.nii.gz"))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(theirs), ours.array)
    for index in [(0, 0, 0), (5, 0, 0), (0, 4, 0), (0, 0, 3), (5, 4, 3)]:
        np.testing.assert_allclose(
            theirs.TransformIndexToPhysicalPoint(index), ours.world_at(np.array(index)), atol=1e-4
        )
    back = read_volume(tmp_path / "a.nii.gz")
    assert back.unit == "HU"
    assert back.array.dtype == np.int16
    np.testing.assert_array_equal(back.array, ours.array)
    np.testing.assert_allclose(back.world_from_index, ours.world_from_index, atol=1e-4)


def test_reads_what_simpleitk_wrote(tmp_path: Path) -> None:
    picture = sitk.GetImageFromArray(volume().array)
    picture.SetSpacing((1.5, 2.0, 3.0))
    picture.SetOrigin((-10.0, 20.0, -300.0))
    sitk.WriteImage(picture, str(tmp_path / "a.nii.gz"))
    found = read_foreign(tmp_path / "a.nii.gz", "HU", "S1")
    np.testing.assert_array_equal(found.array, volume().array)
    np.testing.assert_allclose(found.world_from_index, volume().world_from_index, atol=1e-5)


def test_an_image_keeps_spacing_unit_and_meta(tmp_path: Path) -> None:
    image = Image(np.arange(12, dtype=np.float32).reshape(3, 4), (0.4, 0.6), "attenuation")
    write_image(tmp_path / "a.nii.gz", image, {"sdd_mm": 1200.0})
    back = read_image(tmp_path / "a.nii.gz")
    np.testing.assert_array_equal(back.array, image.array)
    assert (back.spacing_mm, back.unit) == (image.spacing_mm, image.unit)
    assert read_meta(tmp_path / "a.nii.gz")["sdd_mm"] == 1200.0


@pytest.mark.parametrize(
    ("affine", "code"),
    [
        (np.diag([-1.0, 1, 1, 1]), "E_HANDEDNESS"),
        (np.array([[1.0, 0.5, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]), "E_ORIENTATION"),
    ],
)
def test_left_handed_and_sheared_files_are_refused(
    tmp_path: Path, affine: np.ndarray, code: str
) -> None:
    nibabel.Nifti1Image(np.zeros((3, 4, 5), np.uint8), affine).to_filename(tmp_path / "a.nii")
    with pytest.raises(CaseError) as caught:
        read_foreign(tmp_path / "a.nii", "label", "S1")
    assert caught.value.code == code


def test_broken_and_missing_files(tmp_path: Path) -> None:
    (tmp_path / "a.nii.gz").write_bytes(b"nothing")
    write_volume(tmp_path / "b.nii.gz", volume())
    whole = (tmp_path / "b.nii.gz").read_bytes()
    (tmp_path / "b.nii.gz").write_bytes(whole[: len(whole) // 2])
    for name, code in (("a", "E_TRUNCATED"), ("b", "E_TRUNCATED"), ("c", "E_MISSING_FILE")):
        with pytest.raises(CaseError) as caught:
            read_foreign(tmp_path / f"{name}.nii.gz", "HU", "S1")
        assert caught.value.code == code


def labels() -> tuple[Volume, Volume]:
    grid = Volume(np.zeros((10, 12, 14), np.int16), (1.0, 2.0, 3.0), (5.0, 6.0, 7.0), "HU")
    array = np.zeros(grid.array.shape, np.uint8)
    array[2:5, 3:8, 9:12] = 3
    return grid, grid.like(array, "label")


def test_labels_on_their_own_grid_are_copied_flipped_or_not() -> None:
    grid, own = labels()
    np.testing.assert_array_equal(labels_on(own, grid, "S1").array, own.array)
    corner = own.world_at(np.array([13, 11, 0]))
    turned = Volume(
        own.array[:, ::-1, ::-1],
        own.spacing_mm,
        (float(corner[0]), float(corner[1]), float(corner[2])),
        "label",
        np.diag([-1.0, -1.0, 1.0]),
    )
    np.testing.assert_array_equal(labels_on(turned, grid, "S1").array, own.array)


def test_labels_of_another_grid_are_moved_by_the_nearest_voxel() -> None:
    grid, own = labels()
    coarse = own.crop(slice(1, 9), slice(2, 12), slice(3, 14))
    np.testing.assert_array_equal(labels_on(coarse, grid, "S1").array, own.array)


def test_labels_of_another_place_are_refused() -> None:
    grid, own = labels()
    elsewhere = Volume(own.array, own.spacing_mm, (900.0, 0.0, 0.0), "label")
    with pytest.raises(CaseError) as caught:
        labels_on(elsewhere, grid, "S1")
    assert caught.value.code == "E_FOV"


REAL = REAL_DATA / "totalsegmentator_example"


@pytest.mark.skipif(not REAL.is_dir(), reason="the real NIfTI pair is not beside the checkout")
def test_a_real_nifti_ct_and_its_labels() -> None:
    """The label map calls femur left 88 and right 89: the left must lie at the higher x of LPS."""
    ct = read_foreign(REAL / "example_ct.nii.gz", "HU", "S1")
    scan = ct_from_volume(ct, "S1", ImagingConfig())
    found = labels_on(read_foreign(REAL / "example_seg.nii.gz", "label", "S1"), scan.volume, "S1")
    np.testing.assert_array_equal(scan.volume.direction, np.eye(3))
    x = {label: np.argwhere(found.array == label)[:, 2].mean() for label in (88, 89)}
    assert x[88] > x[89]
    z = {label: np.argwhere(found.array == label)[:, 0].mean() for label in (88, 18)}
    assert z[18] > z[88]
    assert np.median(scan.volume.array[found.array == 90]) > 100
