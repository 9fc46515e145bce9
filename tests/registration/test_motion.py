"""The six parameters mean what they say."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bmdpipe.geometry.camera import Camera, ap_pose
from bmdpipe.geometry.pose import apply, inverse, rotation_angle_deg
from bmdpipe.registration.motion import Motion

CAMERA = Camera.centred(1200.0, (1.0, 1.0), (400, 400))
CENTRE = np.array([12.0, -7.0, 30.0])
MOTION = Motion(ap_pose(CENTRE + np.array([40, 0, 20]), CAMERA, 1000.0), CENTRE)
VALUES = st.lists(st.floats(-30, 30), min_size=6, max_size=6).map(np.array)


def test_zero_is_the_start():
    np.testing.assert_allclose(MOTION.poses(np.zeros(6))[0], MOTION.start, atol=1e-9)


@given(st.floats(-80, 80))
def test_depth_leaves_the_centre_on_its_pixel(depth):
    pose = MOTION.poses(np.array([0, 0, 0, 0, 0, depth]))[0]
    a, b = apply(MOTION.start, CENTRE), apply(pose, CENTRE)
    np.testing.assert_allclose(CAMERA.pixels_of(a), CAMERA.pixels_of(b), atol=1e-9)
    np.testing.assert_allclose(b[2] - a[2], depth, atol=1e-9)


@given(VALUES)
def test_angles_leave_the_centre_and_shifts_leave_the_angles(values):
    turn, shift = values.copy(), values.copy()
    turn[3:], shift[:3] = 0, 0
    np.testing.assert_allclose(
        apply(MOTION.poses(turn)[0], CENTRE), apply(MOTION.start, CENTRE), atol=1e-9
    )
    relative = MOTION.poses(shift)[0] @ inverse(MOTION.start)
    assert rotation_angle_deg(relative) < 1e-5
