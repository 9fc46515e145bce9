"""A camera and its pose survive the way through a 3x4 matrix and through points in the world."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bmdpipe.geometry.camera import Camera
from bmdpipe.geometry.pose import about, apply, inverse
from bmdpipe.geometry.projection_matrix import camera_from_points, camera_of, matrix_of

CAMERAS = st.builds(
    Camera,
    sdd_mm=st.floats(900, 1800),
    spacing_mm=st.tuples(st.floats(0.1, 3), st.floats(0.1, 3)),
    size_px=st.tuples(st.integers(8, 900), st.integers(8, 900)),
    principal_point_px=st.tuples(st.floats(-500, 900), st.floats(-500, 900)),
)
ANGLES = st.tuples(*[st.floats(-180, 180)] * 3).map(np.array)
SHIFTS = st.tuples(*[st.floats(-300, 300)] * 3).map(np.array)
AWAY = np.array([0.0, 0.0, 1000.0])
SCALES = st.sampled_from([1.0, -1.0, 7.5, -0.02])


@given(CAMERAS, ANGLES, SHIFTS, SHIFTS)
def test_the_matrix_projects_like_the_camera(camera, degrees, shift, point):
    pose = about(np.zeros(3), degrees, shift + AWAY)
    assume(abs(apply(pose, point)[2]) > 50)
    u, v, w = matrix_of(camera, pose) @ [*point, 1.0]
    expected = camera.pixels_of(apply(pose, point))
    np.testing.assert_allclose([u / w, v / w], expected, rtol=1e-8, atol=1e-6)


@given(CAMERAS, ANGLES, SHIFTS, SCALES)
def test_there_and_back(camera, degrees, shift, scale):
    pose = about(np.zeros(3), degrees, shift + AWAY)
    found, found_pose = camera_of(
        scale * matrix_of(camera, pose), camera.spacing_mm, camera.size_px
    )
    assert found.sdd_mm == pytest.approx(camera.sdd_mm, rel=1e-7)
    assert found.principal_point_px == pytest.approx(camera.principal_point_px, rel=1e-6, abs=1e-5)
    np.testing.assert_allclose(found_pose, pose, rtol=1e-6, atol=1e-6)


def test_what_is_no_camera_is_refused():
    camera = Camera.centred(1000.0, (1.0, 1.0), (10, 10))
    matrix = matrix_of(camera, np.eye(4))
    with pytest.raises(ValueError, match="3x4"):
        camera_of(matrix[:, :3], (1.0, 1.0), (10, 10))
    with pytest.raises(ValueError, match="another shape"):
        camera_of(matrix, (1.0, 0.5), (10, 10))
    skewed = matrix.copy()
    skewed[0, 1] = 20.0
    with pytest.raises(ValueError, match="perpendicular"):
        camera_of(skewed, (1.0, 1.0), (10, 10))


@given(CAMERAS, ANGLES, SHIFTS)
def test_a_detector_anywhere(camera, degrees, shift):
    """Source, first pixel and directions in the world give the camera back, tilted or not."""
    pose = about(np.zeros(3), degrees, shift)
    world = inverse(pose)
    cu, cv = camera.principal_point_px
    sx, sy = camera.spacing_mm
    first = apply(world, np.array([-cu * sx, -cv * sy, camera.sdd_mm]))
    found, found_pose = camera_from_points(
        world[:3, 3], first, world[:3, 0], world[:3, 1], camera.spacing_mm, camera.size_px
    )
    assert found.sdd_mm == pytest.approx(camera.sdd_mm, rel=1e-9)
    assert found.principal_point_px == pytest.approx(camera.principal_point_px, rel=1e-6, abs=1e-6)
    np.testing.assert_allclose(found_pose, pose, rtol=1e-8, atol=1e-8)


def test_a_tilted_detector_sees_its_foot_point_at_the_principal_point():
    """A detector turned by 20 degrees: the perpendicular from the source meets it off the middle
    by tan(20 degrees) times the perpendicular distance."""
    angle = np.radians(20.0)
    columns = np.array([np.cos(angle), 0.0, np.sin(angle)])
    rows = np.array([0.0, 1.0, 0.0])
    middle = np.array([0.0, 0.0, 1000.0])
    first = middle - 100 * columns - 50 * rows
    camera, _ = camera_from_points(np.zeros(3), first, columns, rows, (1.0, 1.0), (201, 101))
    assert camera.sdd_mm == pytest.approx(1000 * np.cos(angle))
    assert camera.principal_point_px == pytest.approx((100 - 1000 * np.sin(angle), 50.0))


def test_a_source_behind_or_beside_the_detector_is_refused():
    x, y = np.eye(3)[0], np.eye(3)[1]
    for z in (0.0, -500.0):
        with pytest.raises(ValueError, match="look at the detector"):
            camera_from_points(np.zeros(3), np.array([0, 0, z]), x, y, (1.0, 1.0), (8, 8))
