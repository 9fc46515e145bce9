"""Cameras in DICOM headers: what a header can say comes back, and what it cannot is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from bmdpipe.geometry.camera import Camera
from bmdpipe.geometry.camera_dicom import (
    camera_from_header,
    write_radiograph_geometry,
    write_rt_geometry,
)

SPACINGS = st.tuples(st.integers(10, 300), st.integers(10, 300)).map(
    lambda s: (s[0] / 100, s[1] / 100)
)
SIZES = st.tuples(st.integers(8, 3000), st.integers(8, 3000))


@given(st.integers(900, 1800), SPACINGS, SIZES)
def test_a_centred_camera_in_a_radiographs_header(sdd, spacing, size):
    camera = Camera.centred(float(sdd), spacing, size)
    header = Dataset()
    write_radiograph_geometry(header, camera)
    assert camera_from_header(header) == camera


@given(st.integers(900, 1800), SPACINGS, SIZES, st.integers(-200, 2000), st.integers(-200, 2000))
def test_any_camera_in_an_rt_image(sdd, spacing, size, cu, cv):
    camera = Camera(float(sdd), spacing, size, (float(cu), float(cv)))
    header = Dataset()
    write_rt_geometry(header, camera)
    found = camera_from_header(header)
    assert found.principal_point_px == pytest.approx(camera.principal_point_px, abs=1e-6)
    assert (found.sdd_mm, found.spacing_mm, found.size_px) == (float(sdd), spacing, size)


def test_rt_position_is_the_first_pixels_centre_with_y_up():
    """PS3.3 C.8.8.2.2: an image whose first pixel is 100 mm left of and 60 mm above the axis."""
    header = Dataset()
    header.Rows, header.Columns = 240, 400
    header.RTImageSID, header.ImagePlanePixelSpacing = 1500.0, [0.5, 0.5]
    header.RTImagePosition = [-100.0, 60.0]
    np.testing.assert_allclose(camera_from_header(header).principal_point_px, [200.0, 120.0])


def test_an_off_centre_ray_does_not_fit_a_radiographs_header():
    camera = Camera(1000.0, (1.0, 1.0), (100, 100), (60.0, 49.5))
    with pytest.raises(ValueError, match="off-centre"):
        write_radiograph_geometry(Dataset(), camera)


@pytest.mark.parametrize("missing", ["DistanceSourceToDetector", "ImagerPixelSpacing", "Rows"])
def test_the_missing_element_is_named(missing):
    header = Dataset()
    write_radiograph_geometry(header, Camera.centred(1000.0, (1.0, 1.0), (10, 10)))
    delattr(header, missing)
    with pytest.raises(ValueError, match=missing):
        camera_from_header(header)
