"""Scatter, grid and beam profile."""

from __future__ import annotations

import numpy as np
import pytest

from bmdpipe.geometry.camera import Camera
from bmdpipe.virtual.xray.beam_profile import gain_map, profile
from bmdpipe.virtual.xray.scatter import GRIDS, RATIO_PER_CM, Grid, scattered

PIXEL = 2.0
CAMERA = Camera.centred(1200.0, (PIXEL, PIXEL), (180, 160))


def _slab(cm: float, width_mm: float, height_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """Primary and mass of a slab of water under a field in the middle of 400 x 400 mm."""
    y, x = np.indices((200, 200)) * PIXEL - 199.0
    field = (np.abs(x) < 0.5 * width_mm) & (np.abs(y) < 0.5 * height_mm)
    primary = np.where(field, np.exp(-0.2 * cm), 0).astype(np.float32)
    return primary, np.full((200, 200), cm, np.float32)


def _middle_ratio(cm: float, width_mm: float, height_mm: float) -> float:
    primary, mass = _slab(cm, width_mm, height_mm)
    return float(scattered(primary, mass, PIXEL)[100, 100] / primary[100, 100])


def test_ratio_behind_a_pelvis_is_in_the_published_range():
    bare = _middle_ratio(22.0, 380, 360)
    assert 3.0 < bare < 5.0
    primary, scatter = GRIDS[12]
    assert 0.3 < bare * scatter / primary < 0.6
    assert _middle_ratio(25.0, 380, 360) == pytest.approx(4.5, rel=0.1)


def test_small_fields_and_thin_parts_scatter_less():
    assert _middle_ratio(20, 100, 100) < 0.7 * _middle_ratio(20, 300, 300)
    assert _middle_ratio(10, 300, 300) < 0.6 * _middle_ratio(20, 300, 300)


def test_the_kernel_loses_nothing_inside():
    primary, mass = _slab(20.0, 24, 24)
    source = RATIO_PER_CM * (primary * mass).sum()
    assert scattered(primary, mass, PIXEL).sum() == pytest.approx(source, rel=0.03)


def test_air_scatters_nothing():
    bright = np.ones((200, 200), np.float32)
    assert scattered(bright, np.zeros_like(bright), PIXEL).max() == 0


def test_a_well_placed_grid_is_even_and_a_misplaced_one_is_not():
    even = Grid(12, 1200.0, 0.0).primary(CAMERA)
    assert even.min() == even.max() == pytest.approx(GRIDS[12][0])
    shifted = Grid(12, 1200.0, 10.0).primary(CAMERA)
    np.testing.assert_allclose(shifted, GRIDS[12][0] * (1 - 12 * 10 / 1200), rtol=1e-5)
    near = Grid(12, 1000.0, 0.0).primary(CAMERA)
    assert near[0] < near[90]
    np.testing.assert_allclose(near, near[::-1], rtol=1e-4)
    both = Grid(12, 1000.0, 10.0).primary(CAMERA)
    assert abs(both[0] - both[-1]) > 0.02, "one side loses more than the other"


def test_the_heel_effect_darkens_the_anode_s_side():
    up, down = profile(CAMERA, True), profile(CAMERA, False)
    assert up[0, 90] < up[-1, 90]
    np.testing.assert_allclose(up, down[::-1], rtol=2e-3)
    assert profile(CAMERA, True)[80, 90] == pytest.approx(1, abs=2e-3)
    corner = np.hypot(179, 159) / 1200
    assert down[-1, 0] < (1 + corner**2) ** -1.5 * 1.02


def test_only_an_off_centre_tube_leaves_shading():
    moved = Camera(1200.0, (PIXEL, PIXEL), (180, 160), (95.0, 84.0))
    left = profile(moved, True) / gain_map(moved, True)
    assert np.ptp(profile(CAMERA, True) / gain_map(CAMERA, True)) < 1e-6
    assert 0.001 < np.ptp(left) < 0.08
