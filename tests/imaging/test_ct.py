"""The CT reader: one canonical volume from any honest series, a code for every other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.uid import JPEG2000Lossless, SecondaryCaptureImageStorage, generate_uid

from bmdpipe.core.config.imaging import ImagingConfig
from bmdpipe.core.errors import CaseError
from bmdpipe.imaging.ct import CtScan, read_ct
from bmdpipe.imaging.orientation import to_canonical

from .series import AXIAL, ORIGIN, REAL_DATA, SPACING, body_hu, reload, write_series

CONFIG = ImagingConfig()


def code_of(folder: Path, config: ImagingConfig = CONFIG) -> CaseError:
    with pytest.raises(CaseError) as caught:
        read_ct(folder, "S1", config)
    assert caught.value.case == "S1"
    assert "Secret" not in caught.value.hint
    assert "4711" not in caught.value.hint
    return caught.value


def warnings_of(folder: Path) -> list[str]:
    return [w.code for w in read_ct(folder, "S1", CONFIG).warnings]


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


@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        ((1, 0, 0), (0, 1, 0)),  # axial
        ((-1, 0, 0), (0, -1, 0)),  # prone, or turned by 180 degrees
        ((1, 0, 0), (0, -1, 0)),  # rows written from the back: feet-first order of slices
        ((0, 1, 0), (0, 0, -1)),  # sagittal
        ((1, 0, 0), (0, 0, -1)),  # coronal
        ((0, 0, 1), (-1, 0, 0)),
    ],
)
def test_six_orientations_give_the_same_array(
    tmp_path: Path, rows: tuple[int, ...], columns: tuple[int, ...]
) -> None:
    """The same body sliced along other axes, written by the orientation vectors alone."""
    hu = body_hu()
    axes = np.column_stack([rows, columns, np.cross(rows, columns)]).astype(float)
    order = [int(np.abs(axes[:, a]).argmax()) for a in range(3)]
    signs = [axes[order[a], a] for a in range(3)]
    # hu is [z, y, x]: array axis of world axis w is 2 - w; the file is indexed [k, j, i].
    turned = hu.transpose([2 - order[a] for a in (2, 1, 0)])
    turned = turned[tuple(slice(None, None, int(signs[a])) for a in (2, 1, 0))]
    spacing = tuple(SPACING[order[a]] for a in range(3))
    size = hu.shape[::-1]
    first = np.array(ORIGIN)
    for a in range(3):
        if signs[a] < 0:
            first[order[a]] += (size[order[a]] - 1) * SPACING[order[a]]
    folder = write_series(
        tmp_path, turned, orientation=(*rows, *columns), spacing=spacing, origin=tuple(first)
    )
    volume = read_ct(folder, "S1", CONFIG).volume
    np.testing.assert_array_equal(volume.array, hu)
    np.testing.assert_allclose(volume.origin_mm, ORIGIN, atol=1e-6)
    np.testing.assert_allclose(volume.spacing_mm, SPACING)


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


def test_header_position_ffs_is_not_believed(tmp_path: Path) -> None:
    folder = write_series(tmp_path, change=lambda _, d: setattr(d, "PatientPosition", "FFS"))
    np.testing.assert_array_equal(read_ct(folder, "S1", CONFIG).volume.array, body_hu())


def test_a_gantry_tilt_is_undone(tmp_path: Path) -> None:
    """A smooth field sampled on tilted planes comes back as the same field of the world."""
    angle = np.radians(15)
    orientation = (1.0, 0.0, 0.0, 0.0, np.cos(angle), np.sin(angle))
    step = np.array([0, 0, 2.0])
    k, j, i = np.mgrid[:40, :30, :36].astype(float)
    world_y = 10 + j * 1.25 * np.cos(angle)
    world_z = -300 + k * 2 + j * 1.25 * np.sin(angle)
    hu = np.where((i > 4) & (i < 30) & (j > 3) & (j < 26), 40 + world_y + 0.1 * world_z, -1000)
    hu = np.rint(hu)
    folder = write_series(tmp_path, hu, orientation=orientation, step=step)
    scan = read_ct(folder, "S1", CONFIG)
    assert [w.code for w in scan.warnings] == ["W_TILT"]
    assert "15.0" in scan.warnings[0].text
    volume = scan.volume
    points = volume.world_at(np.array([[18, j, k] for j in (10, 14, 18) for k in (12, 20, 28)]))
    index = np.rint(volume.index_at(points)).astype(int)
    values = volume.array[index[:, 2], index[:, 1], index[:, 0]]
    np.testing.assert_allclose(values, 40 + points[:, 1] + 0.1 * points[:, 2], atol=1.0)


def test_a_tilt_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    angle = np.radians(35)
    orientation = (1.0, 0.0, 0.0, 0.0, np.cos(angle), np.sin(angle))
    folder = write_series(tmp_path, orientation=orientation, step=np.array([0, 0, 2.0]))
    assert code_of(folder).code == "E_TILT"


def test_an_oblique_series_is_resampled_to_the_patients_axes(tmp_path: Path) -> None:
    angle = np.radians(10)
    orientation = (np.cos(angle), np.sin(angle), 0.0, -np.sin(angle), np.cos(angle), 0.0)
    volume = read_ct(write_series(tmp_path, orientation=orientation), "S1", CONFIG).volume
    np.testing.assert_array_equal(volume.direction, np.eye(3))
    source = np.column_stack([orientation[:3], orientation[3:], (0, 0, 1)]) * SPACING
    bone = np.argwhere(body_hu() > 600)[:, ::-1].mean(axis=0)
    expected = source @ bone + ORIGIN
    found = volume.world_at(np.argwhere(volume.array > 600)[:, ::-1].mean(axis=0))
    np.testing.assert_allclose(found, expected, atol=0.5)


def test_a_canonical_volume_is_left_alone() -> None:
    array = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    matrix = np.diag([1.0, 2.0, 3.0, 1.0])
    np.testing.assert_array_equal(to_canonical(array, matrix, "HU", fill=0).array, array)


def test_files_that_are_no_dicom(tmp_path: Path) -> None:
    write_series(tmp_path)
    for content in (b"", b"<html>login</html>", np.random.default_rng(0).bytes(5000)):
        (tmp_path / "zz.dcm").write_bytes(content)
        error = code_of(tmp_path)
        assert error.code == "E_NOT_DICOM"
        assert "zz.dcm" in error.hint


def test_side_files_are_ignored(tmp_path: Path) -> None:
    write_series(tmp_path)
    (tmp_path / "DICOMDIR").write_bytes(b"x")
    (tmp_path / ".hidden").write_bytes(b"x")
    (tmp_path / "readme.txt").write_text("x")
    assert read_ct(tmp_path, "S1", CONFIG).n_slices == 24


@pytest.mark.parametrize("keep", [200, 700, -700, -1])
def test_truncated_in_header_or_pixels(tmp_path: Path, keep: int) -> None:
    write_series(tmp_path)
    path = sorted(tmp_path.iterdir())[5]
    path.write_bytes(path.read_bytes()[:keep])
    assert code_of(tmp_path).code == "E_TRUNCATED"


def test_a_lying_size_is_found(tmp_path: Path) -> None:
    folder = write_series(tmp_path, change=lambda _, d: setattr(d, "Rows", 35))
    assert code_of(folder).code == "E_PIXEL_LENGTH"


def test_a_huge_volume_is_refused_by_its_header(tmp_path: Path) -> None:
    def huge(_: int, data: pydicom.FileDataset) -> None:
        data.Rows = data.Columns = 20000

    assert code_of(write_series(tmp_path, change=huge)).code == "E_TOO_LARGE"


def test_a_deflated_bomb_is_refused_before_it_inflates(tmp_path: Path) -> None:
    folder = write_series(tmp_path)
    path = sorted(folder.iterdir())[0]
    data = reload(path)
    data.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1.99"
    data.PixelData = bytes(4_000_000)
    data.save_as(path)
    assert path.stat().st_size < 100_000
    error = code_of(folder, ImagingConfig(max_inflated_mib=1))
    assert error.code == "E_TOO_LARGE"
    assert "inflates" in error.hint


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


def _break(keyword: str, value: object) -> object:
    def change(k: int, data: pydicom.FileDataset) -> None:
        if k != 3:
            return
        if value is None:
            delattr(data, keyword)
        else:
            data[keyword] = pydicom.DataElement(
                data[keyword].tag, "DS", value, validation_mode=0, already_converted=True
            )

    return change


@pytest.mark.parametrize("value", [None, "-1000"])
def test_no_rescale_or_two_intercepts(tmp_path: Path, value: str | None) -> None:
    folder = write_series(tmp_path, change=_break("RescaleIntercept", value))  # type: ignore[arg-type]
    assert code_of(folder).code == "E_HU_SCALE"


@pytest.mark.parametrize("raw", [b"NaN  ", b"inf  ", b"-1e,3"])
def test_an_intercept_that_is_no_number(tmp_path: Path, raw: bytes) -> None:
    folder = write_series(tmp_path)
    path = sorted(folder.iterdir())[3]
    content = path.read_bytes()
    assert content.count(b"-1024 ") == 1
    path.write_bytes(content.replace(b"-1024 ", raw.ljust(6)))
    assert code_of(folder).code == "E_HU_SCALE"


@pytest.mark.parametrize(("slope", "intercept"), [(1, 0), (2, -1024), (1, -2048), (0.5, -1024)])
def test_a_wrong_scale_is_seen_by_the_peaks(tmp_path: Path, slope: float, intercept: int) -> None:
    def scale(_: int, data: pydicom.FileDataset) -> None:
        data.RescaleSlope, data.RescaleIntercept = slope, intercept

    assert code_of(write_series(tmp_path, change=scale)).code == "E_HU_SCALE"


def test_a_wrong_sign_is_seen_by_the_peaks(tmp_path: Path) -> None:
    """Signed HU without an offset whose header says unsigned."""

    def unsigned(k: int, data: pydicom.FileDataset) -> None:
        data.PixelData = body_hu()[k].tobytes()
        data.PixelRepresentation, data.RescaleIntercept = 0, 0

    assert code_of(write_series(tmp_path, change=unsigned)).code == "E_HU_SCALE"


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


def test_two_patients_are_not_named(tmp_path: Path) -> None:
    folder = write_series(tmp_path, change=lambda k, d: setattr(d, "PatientID", f"4711{k % 2}"))
    assert code_of(folder).code == "E_MULTI_PATIENT"


def test_another_protocol_is_marked(tmp_path: Path) -> None:
    def sharp(_: int, data: pydicom.FileDataset) -> None:
        data.KVP, data.ConvolutionKernel, data.ContrastBolusAgent = 100, "B70f", "x"

    assert warnings_of(write_series(tmp_path, change=sharp)) == ["W_PROTOCOL"] * 3


def test_jpeg_2000_gives_identical_pixels(tmp_path: Path) -> None:
    def compress(_: int, data: pydicom.FileDataset) -> None:
        data.compress(JPEG2000Lossless, generate_instance_uid=False)

    plain = read_ct(write_series(tmp_path / "a"), "S1", CONFIG)
    packed = read_ct(write_series(tmp_path / "b", change=compress), "S1", CONFIG)
    assert plain.digest == packed.digest


def test_an_unknown_compression_names_what_to_install(tmp_path: Path) -> None:
    def foreign(_: int, data: pydicom.FileDataset) -> None:
        data.compress(JPEG2000Lossless, generate_instance_uid=False)
        data.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.106"

    error = code_of(write_series(tmp_path, change=foreign))
    assert error.code == "E_NO_DECODER"
    assert "pylibjpeg" in error.hint


def test_broken_jpeg_2000_is_a_case_error(tmp_path: Path) -> None:
    def spoil(k: int, data: pydicom.FileDataset) -> None:
        data.compress(JPEG2000Lossless, generate_instance_uid=False)
        if k == 2:
            data.PixelData = data.PixelData[:60] + bytes(len(data.PixelData) - 60)

    assert code_of(write_series(tmp_path, change=spoil)).code in ("E_TRUNCATED", "E_PIXEL_LENGTH")


def test_a_missing_or_empty_folder(tmp_path: Path) -> None:
    assert code_of(tmp_path / "none").code == "E_MISSING_FILE"
    assert code_of(tmp_path).code == "E_MISSING_FILE"


def test_no_orientation_no_volume(tmp_path: Path) -> None:
    def forget(_: int, data: pydicom.FileDataset) -> None:
        del data.ImageOrientationPatient

    assert code_of(write_series(tmp_path, change=forget)).code == "E_ORIENTATION"
    skew = (1.0, 0.0, 0.0, 0.5, 0.9, 0.0)
    assert code_of(write_series(tmp_path / "b", orientation=skew)).code == "E_ORIENTATION"
    assert AXIAL[0] == 1


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
