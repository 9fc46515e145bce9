"""The series is a complete CT that the importer reads back as it was acquired."""

from __future__ import annotations

import dataclasses

import numpy as np
import pydicom
import pytest

from bmdpipe.core.config.imaging import ImagingConfig
from bmdpipe.imaging.ct import read_ct
from bmdpipe.virtual.ct.dicom import CtWriter
from bmdpipe.virtual.ct.scanner import draw_session

REQUIRED = (
    "SOPClassUID", "SOPInstanceUID", "StudyDate", "StudyTime", "AccessionNumber", "Modality",
    "Manufacturer", "ReferringPhysicianName", "PatientName", "PatientID", "PatientBirthDate",
    "PatientSex", "StudyInstanceUID", "SeriesInstanceUID", "StudyID", "SeriesNumber",
    "FrameOfReferenceUID", "PositionReferenceIndicator", "InstanceNumber", "ImageType",
    "AcquisitionNumber", "PixelSpacing", "ImageOrientationPatient", "ImagePositionPatient",
    "SliceThickness", "SamplesPerPixel", "PhotometricInterpretation", "Rows", "Columns",
    "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PixelData",
    "RescaleIntercept", "RescaleSlope", "KVP", "PatientPosition",
)  # fmt: skip
"""Types 1 and 2 of the CT Image IOD's modules (DICOM PS3.3 A.3)."""


@pytest.fixture(scope="module")
def series(made):
    return [pydicom.dcmread(file) for file in sorted((made.folder / "ct").iterdir())]


def test_required_elements_are_there_and_short_enough(series):
    for data in series[:3]:
        assert not [name for name in REQUIRED if name not in data]
        for element in data:
            if element.VR == "DS":
                values = element.value if element.VM > 1 else [element.value]
                assert all(len(str(v)) <= 16 for v in values), element


def test_protocol_is_in_the_header(made, series):
    data, config = series[0], made.config.ct
    assert data.ConvolutionKernel == config.kernel
    assert float(data.SliceThickness) == config.thickness_mm
    assert float(data.SpacingBetweenSlices) == config.slice_mm
    assert float(data.ReconstructionDiameter) == config.matrix * config.pixel_mm
    assert float(data.GantryDetectorTilt) == 0
    assert data.RescaleType == "HU"
    session = draw_session(made.config, made.anatomy)
    assert data.Exposure == round(session.mas)
    assert data.XRayTubeCurrent * data.ExposureTime / 1000 == pytest.approx(session.mas, rel=0.01)
    assert 80 < float(data.TableHeight) < 250
    assert all(d.SliceLocation == d.ImagePositionPatient[2] for d in series)


def test_uids_are_of_the_uuid_root_and_unique(series):
    uids = {d.SOPInstanceUID for d in series}
    assert len(uids) == len(series)
    assert all(u.startswith("2.25.") and u.is_valid for u in uids)
    assert len({d.FrameOfReferenceUID for d in series}) == 1


def test_reading_back_gives_the_acquired_hu_and_grid(made):
    scan = read_ct(made.folder / "ct", "V002", ImagingConfig())
    truth = made.scan.hu
    assert scan.volume.spacing_mm == pytest.approx(truth.spacing_mm, abs=1e-6)
    assert scan.volume.origin_mm == pytest.approx(truth.origin_mm, abs=1e-3)
    np.testing.assert_array_equal(scan.volume.direction, np.eye(3))
    inside = _circle(made.config.ct.matrix)
    np.testing.assert_array_equal(scan.volume.array[:, inside], truth.array[:, inside])
    assert (scan.volume.array[:, ~inside] == -1024).all()
    assert not scan.warnings


def test_head_first_and_feet_first_are_one_volume(made, tmp_path):
    session = draw_session(made.config, made.anatomy)
    volumes, positions = [], []
    for feet_first in (False, True):
        turned = dataclasses.replace(session, feet_first=feet_first)
        folder = tmp_path / str(feet_first)
        writer = CtWriter.into(folder, made.config, "V002", made.anatomy.person, turned)
        for k, hu in enumerate(made.scan.hu.array):
            writer.write(k, hu)
        volumes.append(read_ct(folder, "V002", ImagingConfig()).volume)
        first = [pydicom.dcmread(f) for f in folder.iterdir()]
        positions.append(min(first, key=lambda d: d.InstanceNumber).ImagePositionPatient[2])
    np.testing.assert_array_equal(volumes[0].array, volumes[1].array)
    assert volumes[0].origin_mm == volumes[1].origin_mm
    assert positions[0] > positions[1], "head first begins at the head"


@pytest.mark.parametrize(("mode", "corner"), [("kept", None), ("air", 0), ("padding", -2000)])
def test_corners_hold_what_was_configured(made, configured, tmp_path, mode, corner):
    config = configured(ct=made.config.ct.model_copy(update={"outside_circle": mode}))
    session = draw_session(config, made.anatomy)
    writer = CtWriter.into(tmp_path / "ct", config, "V002", made.anatomy.person, session)
    writer.write(0, made.scan.hu.array[0])
    data = pydicom.dcmread(next((tmp_path / "ct").iterdir()))
    stored = data.pixel_array
    outside = ~_circle(config.ct.matrix)
    if corner is None:
        np.testing.assert_array_equal(stored - 1024, made.scan.hu.array[0])
    else:
        assert (stored[outside] == corner).all()
    assert ("PixelPaddingValue" in data) == (mode == "padding")


def _circle(n: int) -> np.ndarray:
    offset = np.arange(n) - 0.5 * (n - 1)
    return np.hypot(offset, offset[:, None]) <= 0.5 * n
