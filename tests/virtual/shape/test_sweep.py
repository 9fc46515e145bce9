"""Sweeps and ellipsoids are the shapes that they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmdpipe.virtual.shape.sweep import SweepBuilder, sweep_distance

AXES = np.eye(3)[[2, 0, 1]]


def swept(stations, origin=(0.0, 0.0, 0.0), directions=AXES):
    builder = SweepBuilder()
    builder.sweep(origin, directions, stations, 1.0)
    return builder.done()


def distance(sweeps, point):
    return sweep_distance(sweeps.frames, sweeps.profiles, 0, *point)


@given(st.floats(0, 25), st.floats(0, 2 * np.pi), st.floats(-18, 18))
def test_round_sweep_is_a_cylinder(radius, angle, height):
    tube = swept([[-20, 0, 0, 9, 9, 9, 9], [20, 0, 0, 9, 9, 9, 9]])
    point = (radius * np.cos(angle), radius * np.sin(angle), height)
    sides = max(radius - 9.0, abs(height) - 20.0)
    assert distance(tube, point) == pytest.approx(sides, abs=1e-6)


def test_every_quarter_of_a_section_has_its_own_half_widths():
    tube = swept([[-20, 1, 2, 9, 8, 7, 6], [20, 1, 2, 9, 8, 7, 6]])
    for point in ((10, 2, 0), (-7, 2, 0), (1, 9, 0), (1, -4, 0)):
        assert distance(tube, point) == pytest.approx(0.0, abs=1e-9)


def test_sections_pass_through_their_stations():
    stations = [[0, 0, 0, 5, 5, 5, 5], [8, 1, 0, 7, 7, 6, 6], [20, 3, 0, 9, 9, 8, 8]]
    tube = swept(stations)
    for z, u, _, a, *_rest in stations[:-1]:
        # A sample every 0.8 mm and straight lines between them.
        assert distance(tube, (u + a, 0.0, z)) == pytest.approx(0.0, abs=0.03)


@given(st.lists(st.floats(-1, 1), min_size=3, max_size=3))
def test_ellipsoid_is_zero_on_its_surface_and_first_order_around(direction):
    halves = np.array([12.0, 10.0, 8.0])
    unit = np.array(direction) + np.array([0, 0, 1e-3])
    unit /= np.linalg.norm(unit)
    builder = SweepBuilder()
    builder.ellipsoid((0, 0, 0), AXES, [12, 12, 10, 10, 8, 8], 1.0)
    ball = builder.done()
    surface = unit * halves
    normal = surface / halves**2
    normal /= np.linalg.norm(normal)
    assert distance(ball, surface) == pytest.approx(0.0, abs=1e-9)
    for step in (-0.2, 0.2):
        assert distance(ball, surface + step * normal) == pytest.approx(step, abs=0.02)
