"""Rigid transforms obey the laws of their group."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bmdpipe.geometry.pose import about, apply, inverse, rotation_angle_deg

NUMBERS = st.lists(st.floats(-100, 100), min_size=3, max_size=3).map(np.array)
POSES = st.builds(about, NUMBERS, NUMBERS, NUMBERS)
CLOSE = {"atol": 1e-9, "rtol": 1e-9}


@given(POSES)
def test_inverse_undoes(pose):
    np.testing.assert_allclose(inverse(pose) @ pose, np.eye(4), **CLOSE)
    np.testing.assert_allclose(inverse(inverse(pose)), pose, **CLOSE)


@given(POSES, NUMBERS, NUMBERS)
def test_distances_are_kept_and_hands_are_not_changed(pose, a, b):
    moved = np.linalg.norm(apply(pose, a) - apply(pose, b))
    np.testing.assert_allclose(moved, np.linalg.norm(a - b), atol=1e-7)
    np.testing.assert_allclose(np.linalg.det(pose[:3, :3]), 1.0, **CLOSE)


@given(POSES, POSES, NUMBERS)
def test_composition(first, second, point):
    both = apply(second, apply(first, point))
    np.testing.assert_allclose(apply(second @ first, point), both, atol=1e-7)


@given(NUMBERS, NUMBERS, NUMBERS)
def test_about_turns_round_its_centre(centre, degrees, shift):
    np.testing.assert_allclose(
        apply(about(centre, degrees, shift), centre), centre + shift, **CLOSE
    )


@given(NUMBERS, st.floats(0, 180), st.sampled_from([0, 1, 2]))
def test_angle_of_a_turn_about_one_axis(centre, angle, axis):
    degrees = angle * np.eye(3)[axis]
    turned = rotation_angle_deg(about(centre, degrees, np.zeros(3)))
    np.testing.assert_allclose(turned, angle, atol=1e-5)


@given(st.lists(POSES, min_size=1, max_size=4))
def test_batches_are_their_members(poses):
    np.testing.assert_array_equal(inverse(np.stack(poses)), np.stack([inverse(p) for p in poses]))
