"""A window of a radiograph keeps brightness and geometry."""

from __future__ import annotations

import numpy as np
import pytest

from bmdpipe.geometry.camera import Camera
from bmdpipe.registration.similarity import NothingToCompareError
from bmdpipe.registration.window import window_around

CAMERA = Camera(1200.0, (0.8, 0.8), (160, 120), (70.0, 66.0))
POINTS = np.array([[-20.0, -15.0, 1000.0], [25.0, 10.0, 1000.0]])


def test_a_linear_image_stays_what_it_is():
    """Area averages of a plane are the plane at the new pixels' centres.

    Old pixels are steps; the share f of one at an edge costs at most slope x f (1 - f) / 4.2,
    here 0.3.
    """
    v, u = np.mgrid[: CAMERA.size_px[1], : CAMERA.size_px[0]]
    image = 3.0 * u - 2.0 * v
    window = window_around(image, CAMERA, POINTS, 1.7, 5.0)
    rows, columns = np.mgrid[: window.image.shape[0], : window.image.shape[1]]
    (cu, cv), camera = window.camera.principal_point_px, window.camera
    old_u = (columns - cu) * camera.spacing_mm[0] / 0.8 + CAMERA.principal_point_px[0]
    old_v = (rows - cv) * camera.spacing_mm[1] / 0.8 + CAMERA.principal_point_px[1]
    np.testing.assert_allclose(window.image, 3.0 * old_u - 2.0 * old_v, atol=0.3)
    assert window.known.all()


def test_it_holds_the_points():
    window = window_around(np.zeros((120, 160)), CAMERA, POINTS, 1.7, 5.0)
    pixels = window.camera.pixels_of(POINTS)
    assert (pixels > 0).all()
    assert (pixels < window.camera.size_px).all()


def test_pixels_that_touch_nan_are_unknown():
    image = np.zeros((120, 160))
    image[66, 70] = np.nan
    window = window_around(image, CAMERA, POINTS, 1.7, 5.0)
    assert 1 <= (~window.known).sum() <= 4
    assert np.isfinite(window.image).all()


def test_outside_is_refused():
    with pytest.raises(NothingToCompareError):
        window_around(np.zeros((120, 160)), CAMERA, POINTS + np.array([900, 0, 0]), 1.7, 5.0)
