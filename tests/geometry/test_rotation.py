"""Rotations in closed form against SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from bmdpipe.geometry.rotation import (
    about_fixed_axes,
    about_moving_axes,
    angle_deg,
    moving_axes_angles,
)

ANGLES = st.lists(st.floats(-180, 180), min_size=3, max_size=3).map(np.array)


@given(ANGLES)
def test_turns_about_fixed_and_moving_axes_are_scipys(degrees):
    fixed = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()
    moving = Rotation.from_euler("XYZ", degrees, degrees=True).as_matrix()
    np.testing.assert_allclose(about_fixed_axes(degrees), fixed, atol=1e-14)
    np.testing.assert_allclose(about_moving_axes(degrees), moving, atol=1e-14)


def test_a_batch_is_its_members():
    degrees = np.random.default_rng(0).uniform(-180, 180, (4, 5, 3))
    each = [[about_fixed_axes(d) for d in row] for row in degrees]
    np.testing.assert_array_equal(about_fixed_axes(degrees), each)


@given(st.tuples(st.floats(-179, 179), st.floats(-89, 89), st.floats(-179, 179)))
def test_angles_come_back(degrees):
    np.testing.assert_allclose(moving_axes_angles(about_moving_axes(degrees)), degrees, atol=1e-9)


@given(ANGLES)
def test_how_far_a_rotation_turns_is_scipys(degrees):
    rotation = about_fixed_axes(degrees)
    oracle = np.degrees(Rotation.from_matrix(rotation).magnitude())
    assert angle_deg(rotation) == pytest.approx(oracle, abs=1e-5)


@pytest.mark.parametrize("angle", [0.0, 1e-6, 90.0, 179.999999, 180.0])
def test_small_and_large_turns_keep_their_digits(angle):
    assert angle_deg(about_fixed_axes([0.0, angle, 0.0])) == pytest.approx(angle, abs=1e-9)
