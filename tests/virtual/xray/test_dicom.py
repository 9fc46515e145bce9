"""Headers of DX files: as much as a room tells, true where it tells, and importable."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pydicom
import pytest
from pydicom.pixels import apply_voi_lut

from bmdpipe.core.config.imaging import ImagingConfig
from bmdpipe.imaging.radiograph import read_radiograph
from bmdpipe.virtual.xray.processing import Window, tabled

IMPORT = ImagingConfig()


def _shown(data) -> np.ndarray:
    values = data.pixel_array.astype(float) / (2**data.BitsStored - 1)
    return 1 - values if data.PhotometricInterpretation == "MONOCHROME1" else values


def test_air_is_black_and_nothing_tells_the_central_ray(written, usual):
    data = pydicom.dcmread(written())
    picture = _shown(data)
    primary_free = picture[:, :6] if not usual[1].field.shown else picture[100:160, 12:16]
    assert np.median(primary_free) < 0.1
    point = usual[1].exposure.camera.principal_point_px
    text = str(data)
    assert all(f"{value:.1f}" not in text for value in point)


@pytest.mark.parametrize("curve", ["none", "sigmoid", "table"])
def test_monochrome1_is_monochrome2_inverted(written, usual, curve):
    room = replace(usual[1].room, curve=curve)
    changes = {"room": room, "window": None if curve == "none" else Window(0.2, 0.8)}
    plain = pydicom.dcmread(written(None, changes))
    shown = apply_voi_lut(plain.pixel_array, plain).astype(float)
    inverted = pydicom.dcmread(written({"monochrome1": True}, changes))
    assert inverted.PhotometricInterpretation == "MONOCHROME1"
    np.testing.assert_array_equal(inverted.pixel_array, 4095 - plain.pixel_array)
    other = apply_voi_lut(inverted.pixel_array, inverted).astype(float)
    top = 65535 if curve == "table" else 4095
    np.testing.assert_allclose(other, top - shown, atol=top / 1000)


def test_a_table_left_to_the_viewer_is_the_room_s(written, usual):
    _, picture = usual
    room = replace(picture.room, curve="table")
    data = pydicom.dcmread(written(None, {"room": room, "window": Window(0.2, 0.8)}))
    shown = apply_voi_lut(data.pixel_array, data) / 65535
    value = (data.pixel_array / 4095 - 0.2) / 0.6
    np.testing.assert_allclose(shown, tabled(value, room.look), atol=1e-4)


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_bits(written, usual, bits):
    data = pydicom.dcmread(written(None, {"room": replace(usual[1].room, bits=bits)}))
    assert (data.BitsStored, data.HighBit, data.BitsAllocated) == (bits, bits - 1, 16)
    assert 0.9 * 2**bits < data.pixel_array.max() < 2**bits


@pytest.mark.parametrize(
    ("changes", "source"),
    [
        ({}, "imager_spacing"),
        ({"calibrated": True}, "imager_spacing"),
        ({"distances": False}, "imager_spacing"),
        ({"distances": False, "calibrated": True}, "imager_spacing"),
        ({"imager": False}, "pixel_spacing_magnified"),
        ({"imager": False, "distances": False}, "pixel_spacing_magnified"),
        ({"index": False, "collimator": False, "monochrome1": True}, "imager_spacing"),
    ],
)
def test_every_variant_of_the_header_is_imported(written, usual, changes, source):
    camera = usual[1].exposure.camera
    found = read_radiograph(written(changes), "V002/standing", IMPORT, "R")
    assert found.spacing_source == source
    assert found.image.spacing_mm == pytest.approx(camera.spacing_mm, rel=1e-4)
    assert found.sdd_source == ("header" if changes.get("distances", True) else "config")
    assert found.image.size_px == camera.size_px
    plain = read_radiograph(written(), "V002/standing", IMPORT, "R")
    np.testing.assert_allclose(found.image.array, plain.image.array, atol=2e-3)


def test_collimator_tags_meet_the_border_in_the_pixels(written, usual):
    """Where the room does not blacken it, the border is the steepest rise towards white."""
    picture = usual[1]
    assert picture.field.shown, "the seed's first radiograph is collimated"
    data = pydicom.dcmread(written())
    shown, spacing = _shown(data), picture.image.spacing_mm[0]
    left, right = data.CollimatorLeftVerticalEdge - 1, data.CollimatorRightVerticalEdge - 1
    upper, lower = data.CollimatorUpperHorizontalEdge - 1, data.CollimatorLowerHorizontalEdge - 1
    height, width = shown.shape
    checked = 0
    for edge, size, lines in (
        (left, width, shown[height // 2 - 8 : height // 2 + 8]),
        (right, width, shown[height // 2 - 8 : height // 2 + 8]),
        (upper, height, shown[:, width // 2 - 8 : width // 2 + 8].T),
        (lower, height, shown[:, width // 2 - 8 : width // 2 + 8].T),
    ):
        if not 5 < edge < size - 6:
            continue
        steps = np.abs(np.diff(np.median(lines, axis=0)))
        near = slice(edge - 5, edge + 5)
        # The logarithm lifts the dark end of the penumbra: look for its middle, not for the peak.
        rising = steps[near] > 0.15 * steps[near].max()
        found = edge - 5 + 0.5 + np.flatnonzero(rising).mean()
        assert abs(found - edge) * spacing < 2.0 + 0.5 * spacing
        checked += 1
    assert checked >= 2
    field = read_radiograph(written(), "V002", IMPORT).field_px
    assert field == (left, upper, right + 1, lower + 1)


def test_an_open_field_has_no_collimator(written, usual):
    field = replace(usual[1].field, shown=False)
    path = written(None, {"field": field})
    assert "CollimatorShape" not in pydicom.dcmread(path)
    assert read_radiograph(path, "V002", IMPORT).field_px is None


def test_exposure_is_in_the_header(written, usual):
    data, technique = pydicom.dcmread(written()), usual[1].technique
    assert float(data.KVP) == technique.kvp
    assert data.ExposureInuAs == pytest.approx(1000 * technique.mas, abs=1)
    deviation = 10 * np.log10(float(data.ExposureIndex) / float(data.TargetExposureIndex))
    assert float(data.DeviationIndex) == pytest.approx(deviation, abs=0.06)
    assert "ExposureIndex" not in pydicom.dcmread(written({"index": False}))
