"""The camera's windows and sizes see the same rays; the nominal view is an AP view."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bmdpipe.geometry.camera import Camera, ap_pose
from bmdpipe.geometry.pose import apply

POINTS = st.tuples(st.floats(-200, 200), st.floats(-200, 200), st.floats(500, 1200)).map(np.array)
CAMERAS = st.builds(
    Camera,
    sdd_mm=st.floats(900, 1800),
    spacing_mm=st.tuples(st.floats(0.1, 3), st.floats(0.1, 3)),
    size_px=st.tuples(st.integers(8, 900), st.integers(8, 900)),
    principal_point_px=st.tuples(st.floats(-100, 900), st.floats(-100, 900)),
)


@given(CAMERAS, POINTS, st.integers(1, 999), st.integers(1, 999))
def test_resizing_keeps_the_place_on_the_detector(camera, point, width, height):
    """Measured from the detector's corner in units of its size."""
    other = camera.resized((width, height))
    a, b = ((c.pixels_of(point) + 0.5) / np.array(c.size_px) for c in (camera, other))
    np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)


@given(CAMERAS, POINTS, st.integers(-50, 50), st.integers(-50, 50))
def test_cropping_shifts(camera, point, left, top):
    window = camera.cropped(left, top, (64, 64))
    np.testing.assert_allclose(
        window.pixels_of(point) + np.array([left, top]),
        camera.pixels_of(point),
        rtol=1e-9,
        atol=1e-9,
    )


@given(CAMERAS, POINTS)
def test_mirroring_mirrors(camera, point):
    u, v = camera.pixels_of(point)
    mirrored = camera.mirrored().pixels_of(point * [-1, 1, 1])
    np.testing.assert_allclose(mirrored, [camera.size_px[0] - 1 - u, v], rtol=1e-9, atol=1e-7)


@given(CAMERAS)
def test_json_round_trip(camera):
    assert Camera.from_json(camera.to_json()) == camera


@given(CAMERAS, POINTS)
def test_ap_view(camera, centre):
    """The centre is in the middle; left is right, superior is up, anterior is near the tube."""
    pose = ap_pose(centre, camera, 1000.0)
    at = apply(pose, centre)
    np.testing.assert_allclose(at[2], 1000.0)
    middle = (np.array(camera.size_px) - 1) / 2
    np.testing.assert_allclose(camera.pixels_of(at), middle, rtol=1e-9, atol=1e-6)
    left, superior = (camera.pixels_of(apply(pose, centre + d)) for d in np.eye(3)[[0, 2]])
    assert left[0] > middle[0]
    assert superior[1] < middle[1]
    assert apply(pose, centre - np.eye(3)[1])[2] < at[2]
