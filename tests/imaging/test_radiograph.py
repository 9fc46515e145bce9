"""The radiograph reader: bone bright, spacing at the detector, every guess marked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as Picture
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import JPEG2000Lossless, JPEGLSLossless, RLELossless

from bmdpipe.core.config.imaging import ImagingConfig
from bmdpipe.core.errors import CaseError
from bmdpipe.imaging.radiograph import Radiograph, read_radiograph

from .series import REAL_DATA, dx_file, hip_like, reload

CONFIG = ImagingConfig()


def read(path: Path, config: ImagingConfig = CONFIG, side: str | None = "R") -> Radiograph:
    return read_radiograph(path, "S1/a", config, side)


def code_of(path: Path, config: ImagingConfig = CONFIG) -> str:
    with pytest.raises(CaseError) as caught:
        read(path, config)
    assert caught.value.case == "S1/a"
    assert "Secret" not in caught.value.hint
    return caught.value.code


def codes(radiograph: Radiograph) -> list[str]:
    return [w.code for w in radiograph.warnings]


def linear_in(radiograph: Radiograph, values: np.ndarray) -> float:
    return float(np.corrcoef(radiograph.image.array.ravel(), values.ravel())[0, 1])


def test_a_plain_image_is_scaled_to_about_0_and_1(tmp_path: Path) -> None:
    found = read(dx_file(tmp_path / "a.dcm", hip_like()))
    assert found.image.array.dtype == np.float32
    assert found.image.unit == "attenuation"
    assert found.image.spacing_mm == (0.5, 0.5)
    assert (found.sdd_mm, found.sdd_source) == (1150, "header")
    assert found.warnings == ()
    assert linear_in(found, hip_like()) == pytest.approx(1)
    low, high = found.scale
    restored = found.image.array * (high - low) + low
    np.testing.assert_allclose(restored, hip_like(), atol=0.01)
    assert -0.05 < found.image.array.min() < 0.05
    assert 0.9 < found.image.array.max() < 1.1


@pytest.mark.parametrize(
    "elements",
    [
        {"PhotometricInterpretation": "MONOCHROME1"},
        {"PresentationLUTShape": "INVERSE"},
        {"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "INVERSE"},
        {"PresentationIntentType": "FOR PROCESSING", "PixelIntensityRelationshipSign": 1},
    ],
)
def test_every_way_to_say_inverted_inverts_once(tmp_path: Path, elements: dict[str, Any]) -> None:
    plain = read(dx_file(tmp_path / "a.dcm", hip_like()))
    inverse = read(dx_file(tmp_path / "b.dcm", 4095 - hip_like(), **elements))
    assert inverse.inverted
    np.testing.assert_allclose(inverse.image.array, plain.image.array, atol=1e-6)


def test_raw_exposure_becomes_its_logarithm(tmp_path: Path) -> None:
    attenuation = hip_like() / 1000
    exposure = (60000 * np.exp(-attenuation)).astype(np.uint16)
    path = dx_file(
        tmp_path / "a.dcm",
        exposure,
        PresentationIntentType="FOR PROCESSING",
        PixelIntensityRelationship="LIN",
        PixelIntensityRelationshipSign=1,
    )
    assert linear_in(read(path), attenuation) > 0.9999


def voi_table(falling: bool) -> Sequence:
    item = Dataset()
    curve = np.round(4095 / (1 + np.exp(-(np.arange(4096) - 2000) / 400))).astype(np.uint16)
    item.LUTDescriptor = [4096, 0, 12]
    item.add_new("LUTData", "OW", (curve[::-1] if falling else curve).tobytes())
    item["LUTDescriptor"].VR = "US"
    return Sequence([item])


def test_display_curves_are_left_out_unless_asked_for(tmp_path: Path) -> None:
    plain = read(dx_file(tmp_path / "a.dcm", hip_like()))
    window = dx_file(tmp_path / "b.dcm", hip_like(), WindowCenter=1200, WindowWidth=400)
    np.testing.assert_array_equal(read(window).image.array, plain.image.array)
    table = dx_file(tmp_path / "c.dcm", hip_like(), VOILUTSequence=voi_table(False))
    np.testing.assert_array_equal(read(table).image.array, plain.image.array)
    shown = read(window, ImagingConfig(voi="header"))
    share = ((hip_like() < 1000) | (hip_like() > 1400)).mean()
    ends = np.isin(shown.image.array, (shown.image.array.min(), shown.image.array.max()))
    assert ends.mean() == pytest.approx(share, abs=0.01)


@pytest.mark.parametrize("voi", ["none", "header"])
def test_a_falling_table_inverts(tmp_path: Path, voi: str) -> None:
    path = dx_file(tmp_path / "a.dcm", 4095 - hip_like(), VOILUTSequence=voi_table(True))
    found = read(path, ImagingConfig.model_validate({"voi": voi}))
    assert linear_in(found, hip_like()) > 0.8


def test_padding_is_0_and_does_not_set_the_scale(tmp_path: Path) -> None:
    values = hip_like()
    values[:5] = 60000
    path = dx_file(tmp_path / "a.dcm", values, PixelPaddingValue=60000)
    found = read(path)
    assert (found.image.array[:5] == 0).all()
    assert found.scale[1] < 4000


@pytest.mark.parametrize(
    ("elements", "spacing", "source", "warned"),
    [
        ({}, 0.5, "imager_spacing", []),
        ({"PixelSpacing": [0.5, 0.5]}, 0.5, "imager_spacing", []),
        ({"PixelSpacing": [0.43, 0.43]}, 0.5, "imager_spacing", ["W_SPACING_AT_DETECTOR"]),
        (
            {"ImagerPixelSpacing": None, "PixelSpacing": [0.43, 0.43]},
            0.43,
            "pixel_spacing",
            ["W_NO_GEOMETRY"],
        ),
        (
            {
                "ImagerPixelSpacing": None,
                "PixelSpacing": [0.4, 0.4],
                "EstimatedRadiographicMagnificationFactor": "1.2",
            },
            0.48,
            "pixel_spacing_magnified",
            [],
        ),
    ],
)
def test_the_spacing_rule(
    tmp_path: Path, elements: dict[str, Any], spacing: float, source: str, warned: list[str]
) -> None:
    found = read(dx_file(tmp_path / "a.dcm", hip_like(), **elements))
    assert found.image.spacing_mm == pytest.approx((spacing, spacing))
    assert found.spacing_source == source
    assert codes(found) == warned


@pytest.mark.parametrize("pixel", [None, [1, 1], [0, 0], [-1, 0.5]])
def test_without_a_spacing_the_picture_is_refused(tmp_path: Path, pixel: list | None) -> None:
    path = dx_file(tmp_path / "a.dcm", hip_like(), ImagerPixelSpacing=None, PixelSpacing=pixel)
    assert code_of(path) == "E_NO_SPACING"
    found = read(path, ImagingConfig(default_spacing_mm=0.2))
    assert (found.image.spacing_mm, found.spacing_source) == ((0.2, 0.2), "config")
    assert codes(found) == ["W_NO_GEOMETRY"]


def test_oblong_pixels_become_square_over_the_same_area(tmp_path: Path) -> None:
    """Rows are twice as far apart as columns; a ramp stays the same ramp in millimetres."""
    path = dx_file(tmp_path / "a.dcm", hip_like(60, 28), ImagerPixelSpacing=[1.0, 0.5])
    found = read(path).image
    assert found.spacing_mm == (0.5, 0.5)
    assert found.size_px == (60, 56)
    ramp = found.array[:, 5]
    steps = np.diff(ramp[4:-4])
    np.testing.assert_allclose(steps, steps.mean(), atol=1e-4)


@pytest.mark.parametrize("distance", [None, 0, -5, 99999])
def test_a_missing_distance_is_assumed(tmp_path: Path, distance: float | None) -> None:
    found = read(dx_file(tmp_path / "a.dcm", hip_like(), DistanceSourceToDetector=distance))
    assert (found.sdd_mm, found.sdd_source) == (CONFIG.default_sdd_mm, "config")
    assert codes(found) == ["W_SDD_ASSUMED"]


@pytest.mark.parametrize(
    ("elements", "code"),
    [
        ({"ImageLaterality": "L"}, "E_SIDE_CONFLICT"),
        ({"Laterality": "L"}, "E_SIDE_CONFLICT"),
        ({"ViewPosition": "PA"}, "E_SIDE_CONFLICT"),
        ({"ViewPosition": "LL"}, "E_NOT_HIP_AP"),
        ({"BodyPartExamined": "CHEST"}, "E_NOT_HIP_AP"),
        ({"PatientOrientation": ["R", "F"]}, "E_ORIENTATION"),
        ({"PatientOrientation": ["F", "R"]}, "E_ORIENTATION"),
        ({"PatientOrientation": ["R", "H"]}, "E_ORIENTATION"),
    ],
)
def test_a_header_against_the_table(tmp_path: Path, elements: dict[str, Any], code: str) -> None:
    assert code_of(dx_file(tmp_path / "a.dcm", hip_like(), **elements)) == code


def test_an_agreeing_header_passes(tmp_path: Path) -> None:
    elements = {
        "ImageLaterality": "B",
        "ViewPosition": "AP",
        "BodyPartExamined": "PELVIS",
        "PatientOrientation": ["L", "F"],
    }
    assert read(dx_file(tmp_path / "a.dcm", hip_like(), **elements)).warnings == ()


def test_aspect(tmp_path: Path) -> None:
    assert codes(read(dx_file(tmp_path / "a.dcm", hip_like(80, 50)))) == ["W_ASPECT"]
    assert code_of(dx_file(tmp_path / "b.dcm", hip_like(150, 40))) == "E_ASPECT"


def test_a_collimation_border_is_marked_and_air_beside_the_patient_is_not(tmp_path: Path) -> None:
    shutter = hip_like()
    shutter[:6] = 4095
    found = read(dx_file(tmp_path / "a.dcm", shutter))
    assert codes(found) == ["W_BORDER"]
    assert "top 6 px" in found.warnings[0].text
    assert found.scale[1] < 4000
    air = hip_like()
    air[:, :6] = air[:, -6:] = 0
    assert codes(read(dx_file(tmp_path / "b.dcm", air))) == []


def test_colour_is_refused_and_grey_rgb_is_read(tmp_path: Path) -> None:
    grey = (hip_like() / 16).astype(np.uint8)

    def rgb(name: str, channels: np.ndarray) -> Path:
        path = dx_file(tmp_path / name, grey, bits=8)
        data = reload(path)
        data.SamplesPerPixel, data.PhotometricInterpretation = 3, "RGB"
        data.PlanarConfiguration, data.PixelData = 0, channels.tobytes()
        data.save_as(path)
        return path

    found = read(rgb("a.dcm", np.stack([grey] * 3, axis=2)))
    assert linear_in(found, grey) == pytest.approx(1)
    assert code_of(rgb("b.dcm", np.stack([grey, grey // 2, grey // 3], axis=2))) == "E_NOT_HIP_AP"


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEGLSLossless, RLELossless])
def test_lossless_compressions_give_identical_pixels(tmp_path: Path, syntax: str) -> None:
    plain = dx_file(tmp_path / "a.dcm", hip_like())
    data = reload(plain)
    data.compress(syntax)
    data.save_as(tmp_path / "b.dcm")
    packed = read(tmp_path / "b.dcm")
    assert packed.digest == read(plain).digest
    assert codes(packed) == []


def test_compressed_pixels_are_looked_at_before_they_are_decoded(tmp_path: Path) -> None:
    path = dx_file(tmp_path / "a.dcm", hip_like())
    data = reload(path)
    data.compress(JPEG2000Lossless)
    data.save_as(path)
    (tmp_path / "cut.dcm").write_bytes(path.read_bytes()[:-200])
    assert code_of(tmp_path / "cut.dcm") == "E_TRUNCATED"
    data.Rows, data.Columns = data.Columns, data.Rows
    data.save_as(path)
    assert code_of(path) == "E_PIXEL_LENGTH"


def test_loss_is_flagged(tmp_path: Path) -> None:
    path = dx_file(tmp_path / "a.dcm", hip_like(), LossyImageCompression="01")
    assert codes(read(path)) == ["W_LOSSY"]


def test_a_bare_picture_needs_its_spacing(tmp_path: Path) -> None:
    grey = (hip_like() / 16).astype(np.uint8)
    Picture.fromarray(grey).save(tmp_path / "a.png")
    Picture.fromarray(grey).save(tmp_path / "a.jpg")
    assert code_of(tmp_path / "a.png") == "E_NO_SPACING"
    config = ImagingConfig(default_spacing_mm=0.3)
    found = read(tmp_path / "a.png", config)
    assert linear_in(found, grey) == pytest.approx(1)
    assert codes(found) == ["W_NO_GEOMETRY", "W_SDD_ASSUMED"]
    assert codes(read(tmp_path / "a.jpg", config))[0] == "W_LOSSY"
    (tmp_path / "b.png").write_bytes(b"no picture")
    assert code_of(tmp_path / "b.png", config) == "E_NOT_DICOM"


def test_limits_and_broken_files(tmp_path: Path) -> None:
    huge = dx_file(tmp_path / "a.dcm", hip_like(), Rows=25000, Columns=20000)
    assert code_of(huge) == "E_TOO_LARGE"
    lying = dx_file(tmp_path / "b.dcm", hip_like(), Rows=57)
    assert code_of(lying) == "E_PIXEL_LENGTH"
    content = dx_file(tmp_path / "c.dcm", hip_like()).read_bytes()
    for name, part in {"cut.dcm": content[:-9], "head.dcm": content[:500]}.items():
        (tmp_path / name).write_bytes(part)
        assert code_of(tmp_path / name) == "E_TRUNCATED"
    for name, part in {"empty.dcm": b"", "html.dcm": b"<html>"}.items():
        (tmp_path / name).write_bytes(part)
        assert code_of(tmp_path / name) == "E_NOT_DICOM"
    assert code_of(tmp_path / "none.dcm") == "E_MISSING_FILE"
    assert code_of(dx_file(tmp_path / "d.dcm", np.full((50, 50), 7, np.uint16))) == "E_PIXEL_LENGTH"


def test_an_odd_character_set_and_a_large_private_element_are_read(tmp_path: Path) -> None:
    path = dx_file(tmp_path / "a.dcm", hip_like())
    data = reload(path)
    data.SpecificCharacterSet = "ISO_IR 166"
    block = data.private_block(0x0019, "x", create=True)
    block.add_new(1, "OB", bytes(2**20))
    data.save_as(path)
    assert read(path).warnings == ()


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    cut=st.floats(0, 1),
    flips=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=6),
)
def test_damage_never_escapes_as_another_error(
    tmp_path: Path, cut: float, flips: list[tuple[float, int]]
) -> None:
    """Flipped bytes in the first kilobyte and a cut anywhere: a picture or a case error."""
    content = bytearray(dx_file(tmp_path / "a.dcm", hip_like()).read_bytes())
    for place, value in flips:
        content[132 + int(place * 900)] = value
    (tmp_path / "b.dcm").write_bytes(content[: max(int(cut * len(content)), 1)])
    try:
        found = read(tmp_path / "b.dcm")
    except CaseError:
        return
    assert np.isfinite(found.image.array).all()


REAL = REAL_DATA / "pelvis_radiographs_dx"


@pytest.mark.skipif(not REAL.is_dir(), reason="the real radiographs are not beside the checkout")
def test_real_radiographs_with_a_dummy_spacing() -> None:
    """RGB in JPEG 2000, spacing 1 x 1: refused, and with a given spacing read as grey."""
    for path in sorted(REAL.glob("*.dcm")):
        assert code_of(path) == "E_NO_SPACING"
        found = read(path, ImagingConfig(default_spacing_mm=0.5))
        assert found.image.size_px == (331, 331)
        assert {"W_NO_GEOMETRY", "W_SDD_ASSUMED"} <= set(codes(found))


EDGES = {
    "CollimatorShape": "RECTANGULAR",
    "CollimatorLeftVerticalEdge": 11,
    "CollimatorUpperHorizontalEdge": 21,
    "CollimatorRightVerticalEdge": 50,
    "CollimatorLowerHorizontalEdge": 48,
}


def test_the_collimated_field_is_recorded_and_nothing_else_changes(tmp_path: Path) -> None:
    """Columns and rows of the tags count from 1, and the edges belong to the field."""
    plain = read(dx_file(tmp_path / "a.dcm", hip_like()))
    found = read(dx_file(tmp_path / "b.dcm", hip_like(), **EDGES))
    assert plain.field_px is None
    assert found.field_px == (10, 20, 50, 48)
    np.testing.assert_array_equal(found.image.array, plain.image.array)
    assert codes(found) == codes(plain)


@pytest.mark.parametrize(
    "change",
    [
        {"CollimatorShape": "CIRCULAR"},
        {"CollimatorShape": None},
        {"CollimatorLeftVerticalEdge": None},
        {"CollimatorLeftVerticalEdge": 55},
        {"CollimatorUpperHorizontalEdge": 47},
    ],
)
def test_a_field_that_makes_no_sense_is_no_field(tmp_path: Path, change: dict[str, Any]) -> None:
    assert read(dx_file(tmp_path / "a.dcm", hip_like(), **{**EDGES, **change})).field_px is None


def test_a_field_beyond_the_image_ends_with_it(tmp_path: Path) -> None:
    height, width = hip_like().shape
    wide = {
        "CollimatorShape": ["RECTANGULAR", "POLYGONAL"],
        "CollimatorLeftVerticalEdge": -4,
        "CollimatorRightVerticalEdge": width + 9,
        "CollimatorLowerHorizontalEdge": height + 9,
    }
    found = read(dx_file(tmp_path / "a.dcm", hip_like(), **{**EDGES, **wide}))
    assert found.field_px == (0, 20, width, height)


def test_the_field_follows_the_resampling_to_square_pixels(tmp_path: Path) -> None:
    """Rows 1 mm apart, columns 0.5 mm: twice as many rows."""
    path = dx_file(tmp_path / "a.dcm", hip_like(), ImagerPixelSpacing=[1.0, 0.5], **EDGES)
    assert read(path).field_px == (10, 40, 50, 96)
