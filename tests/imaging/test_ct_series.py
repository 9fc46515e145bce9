"""Which files make the CT, and whether they make it whole."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest
from pydicom.uid import SecondaryCaptureImageStorage, generate_uid

from bmdpipe.core.config.imaging import ImagingConfig
from bmdpipe.imaging.ct import read_ct

from .ct_case import CONFIG, code_of, warnings_of
from .series import body_hu, reload, write_series


def test_localizer_and_dose_sheet_are_left_out(tmp_path: Path) -> None:
    write_series(tmp_path)

    def localizer(_: int, data: pydicom.FileDataset) -> None:
        data.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]

    def sheet(_: int, data: pydicom.FileDataset) -> None:
        data.SOPClassUID, data.Modality = SecondaryCaptureImageStorage, "OT"

    coronal = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)
    write_series(tmp_path, body_hu()[:18], orientation=coronal, change=localizer, name="loc")
    write_series(tmp_path / "dose", body_hu()[:18], change=sheet, name="dose")
    assert read_ct(tmp_path, "S1", CONFIG).n_slices == 24


def test_two_axial_originals_are_ambiguous_and_a_derived_one_is_not(tmp_path: Path) -> None:
    write_series(tmp_path)
    derived = ["DERIVED", "PRIMARY", "REFORMATTED"]
    write_series(tmp_path / "b", change=lambda _, d: setattr(d, "ImageType", derived), name="b")
    assert read_ct(tmp_path, "S1", CONFIG).n_slices == 24
    write_series(tmp_path / "c", body_hu()[:20], name="c")
    error = code_of(tmp_path)
    assert error.code == "E_AMBIGUOUS_SERIES"
    assert "24 slices" in error.hint
    assert "20 slices" in error.hint


def test_two_patients_are_not_named(tmp_path: Path) -> None:
    folder = write_series(tmp_path, change=lambda k, d: setattr(d, "PatientID", f"4711{k % 2}"))
    assert code_of(folder).code == "E_MULTI_PATIENT"


def test_a_missing_slice_names_the_place(tmp_path: Path) -> None:
    error = code_of(write_series(tmp_path, change=lambda k, _: k != 9))
    assert error.code == "E_MISSING_SLICE"
    assert "-284.00 and -280.00" in error.hint


def test_a_single_slice_is_no_volume(tmp_path: Path) -> None:
    assert code_of(write_series(tmp_path, change=lambda k, _: k == 9)).code == "E_MISSING_SLICE"


def test_an_identical_duplicate_is_dropped_a_differing_one_refused(tmp_path: Path) -> None:
    write_series(tmp_path)
    path = sorted(tmp_path.iterdir())[4]
    double = reload(path)
    double.SOPInstanceUID = double.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    double.save_as(tmp_path / "double.dcm")
    assert warnings_of(tmp_path) == ["W_DUPLICATE_SLICE"]
    stored = double.pixel_array.copy()
    stored[3, 3] += 1
    double.PixelData = stored.tobytes()
    double.save_as(tmp_path / "double.dcm")
    assert code_of(tmp_path).code == "E_DUPLICATE_SLICE"


@pytest.mark.parametrize(("jitter", "fine"), [(0.01, True), (0.05, False)])
def test_jitter_above_one_percent_is_irregular(tmp_path: Path, jitter: float, fine: bool) -> None:
    def shake(k: int, data: pydicom.FileDataset) -> None:
        x, y, z = (float(p) for p in data.ImagePositionPatient)
        data.ImagePositionPatient = [x, y, z + jitter * (k == 7)]

    folder = write_series(tmp_path, change=shake)
    if fine:
        assert warnings_of(folder) == []
    else:
        assert code_of(folder).code == "E_IRREGULAR"


def test_a_sideways_jump_is_irregular(tmp_path: Path) -> None:
    def jump(k: int, data: pydicom.FileDataset) -> None:
        x, y, z = (float(p) for p in data.ImagePositionPatient)
        data.ImagePositionPatient = [x + 4 * (k > 11), y, z]

    assert code_of(write_series(tmp_path, change=jump)).code == "E_IRREGULAR"


def test_of_two_spacings_the_one_long_block_is_taken(tmp_path: Path) -> None:
    def stretch(k: int, data: pydicom.FileDataset) -> None:
        x, y, _ = (float(p) for p in data.ImagePositionPatient)
        data.ImagePositionPatient = [x, y, -300 + 2.0 * k + 3.0 * max(k - 15, 0)]

    folder = write_series(tmp_path, change=stretch)
    assert code_of(folder).code == "E_IRREGULAR"
    scan = read_ct(folder, "S1", ImagingConfig(min_block_mm=36, min_slices=8))
    assert [w.code for w in scan.warnings] == ["W_PROTOCOL"]
    assert scan.volume.spacing_mm[2] == pytest.approx(5.0)
    assert scan.volume.origin_mm[2] == pytest.approx(-270)
