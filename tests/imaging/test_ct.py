"""The CT reader: one canonical volume from an honest series."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from bmdpipe.imaging.ct import CtScan, read_ct

from .ct_case import CONFIG, warnings_of
from .series import ORIGIN, REAL_DATA, SPACING, body_hu, write_series


def test_an_axial_series_keeps_its_values_and_place(tmp_path: Path) -> None:
    scan = read_ct(write_series(tmp_path), "S1", CONFIG)
    assert scan.volume.array.dtype == np.int16
    np.testing.assert_array_equal(scan.volume.array, np.maximum(body_hu(), -1024))
    np.testing.assert_allclose(scan.volume.spacing_mm, SPACING)
    np.testing.assert_allclose(scan.volume.origin_mm, ORIGIN)
    np.testing.assert_array_equal(scan.volume.direction, np.eye(3))
    assert scan.warnings == ()
    assert scan.peaks.air == pytest.approx(-1000, abs=8)
    assert scan.peaks.fat == pytest.approx(-100, abs=8)
    assert scan.peaks.muscle == pytest.approx(50, abs=8)


def oracle(folder: Path) -> sitk.Image:
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder)))
    return sitk.DICOMOrient(reader.Execute(), "LPS")


def assert_equals_oracle(folder: Path) -> CtScan:
    scan = read_ct(folder, "S1", CONFIG)
    volume = scan.volume
    theirs = oracle(folder)
    np.testing.assert_array_equal(volume.array, np.maximum(sitk.GetArrayFromImage(theirs), -1024))
    np.testing.assert_allclose(volume.spacing_mm, theirs.GetSpacing(), rtol=1e-6)
    np.testing.assert_allclose(volume.origin_mm, theirs.GetOrigin(), atol=1e-4)
    return scan


def test_agrees_with_gdcm_on_a_generated_series(tmp_path: Path) -> None:
    assert_equals_oracle(write_series(tmp_path))


def test_padding_becomes_air(tmp_path: Path) -> None:
    def pad(_: int, data: pydicom.FileDataset) -> None:
        stored = data.pixel_array.astype(np.int16)
        stored[:3] = -2000
        data.PixelData, data.PixelRepresentation = stored.tobytes(), 1
        data.add_new("PixelPaddingValue", "SS", -2000)

    scan = read_ct(write_series(tmp_path, change=pad), "S1", CONFIG)
    assert (scan.volume.array[:, :3] == -1024).all()
    np.testing.assert_array_equal(scan.volume.array[:, 3:], body_hu()[:, 3:])
    assert scan.peaks.air == pytest.approx(-1000, abs=8)


def test_another_protocol_is_marked(tmp_path: Path) -> None:
    def sharp(_: int, data: pydicom.FileDataset) -> None:
        data.KVP, data.ConvolutionKernel, data.ContrastBolusAgent = 100, "B70f", "x"

    assert warnings_of(write_series(tmp_path, change=sharp)) == ["W_PROTOCOL"] * 3


REAL_CT = REAL_DATA / "ct_colonography_p01"


@pytest.mark.skipif(not REAL_CT.is_dir(), reason="the real CT is not beside the checkout")
def test_the_real_ct_agrees_with_gdcm_and_lies_supine(tmp_path: Path) -> None:
    """Every twelfth slice of the file set, for time; FFS in the header, supine, table in view."""
    places = sorted(
        (float(pydicom.dcmread(p, stop_before_pixels=True).ImagePositionPatient[2]), p)
        for p in REAL_CT.iterdir()
    )
    for _, path in places[::12]:
        (tmp_path / path.name).symlink_to(path)
    scan = assert_equals_oracle(tmp_path)
    hu = scan.volume.array
    assert scan.peaks.air == pytest.approx(-1000, abs=40)
    assert scan.peaks.fat == pytest.approx(-100, abs=20)
    assert scan.peaks.muscle == pytest.approx(35, abs=25)
    # The table is behind: a row of matter below a row of air, at the array's high y.
    matter = (hu > -500).sum(axis=(0, 2))
    assert matter[-100:].sum() > 0
    assert matter[:45].sum() == 0
    # Two separate femoral shafts at the feet's end, one spine in the middle at the head's end.
    bone = hu > 300
    middle = slice(hu.shape[2] // 2 - 40, hu.shape[2] // 2 + 40)
    assert bone[0, :, middle].sum() < 0.1 * bone[0].sum()
    assert bone[-1, :, middle].sum() > 0.3 * bone[-1].sum()
