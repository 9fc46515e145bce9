"""Rays, and what beam hardening does to the HU."""

from __future__ import annotations

import numpy as np
import pytest

from bmdpipe.core.config.virtual.ct import CtConfig
from bmdpipe.virtual.ct.hardening import METALS, Beam
from bmdpipe.virtual.ct.image_chain import MAX_HU, ImageChain, Slice
from bmdpipe.virtual.ct.rays import project, reconstruct

MATRIX, PIXEL_MM = 256, 1.4


def _distance(x_mm: float = 0.0, y_mm: float = 0.0) -> np.ndarray:
    offset = (np.arange(MATRIX) - 0.5 * (MATRIX - 1)) * PIXEL_MM
    return np.hypot(offset - x_mm, offset[:, None] - y_mm)


def _disc(diameter_mm: float, x_mm: float = 0.0) -> np.ndarray:
    return np.clip(0.5 - (_distance(x_mm) - 0.5 * diameter_mm) / PIXEL_MM, 0, 1).astype(np.float32)


def _image(hu, mineral=None, metals=None, **changes) -> np.ndarray:
    """A little white noise keeps the means from the rounding to whole HU."""
    config = CtConfig(matrix=MATRIX, pixel_mm=PIXEL_MM, **changes)
    mineral = np.zeros_like(hu) if mineral is None else mineral
    grain = np.random.default_rng(1).standard_normal(hu.shape).astype(np.float32)
    return ImageChain.of(config).form(Slice(hu, mineral, metals or {}), grain, 1.5).astype(float)


def test_disc_projects_to_its_chords_and_comes_back():
    n, radius = 128, 40.0
    offset = np.arange(n) - 0.5 * (n - 1)
    disc = np.clip(0.5 - (np.hypot(offset, offset[:, None]) - radius), 0, 1).astype(np.float32)
    rays = project(disc[..., None], 60)[..., 0]
    chord = 2 * np.sqrt(np.maximum(radius**2 - offset**2, 0))
    inner = np.abs(offset) < 0.95 * radius
    np.testing.assert_allclose(rays[:, inner].mean(axis=0), chord[inner], rtol=0.02)
    back = reconstruct(rays)
    assert back[50:78, 50:78].mean() == pytest.approx(1, abs=0.01)
    assert back[50:78, 3:12].mean() == pytest.approx(0, abs=0.02)
    assert back[0, 0] == 0


@pytest.mark.parametrize("depth", [4.0, 10.0])
def test_water_cylinder_has_the_configured_cup(depth):
    """The cup is depth * sqrt(1 - r^2 / R^2) deep about a mean of zero over the cylinder."""
    image = _image(1000.0 * _disc(300.0) - 1000.0, cupping_hu=depth)
    r = _distance()
    middle, ring = image[r < 15].mean(), image[np.abs(r - 120) < 2].mean()
    assert ring - middle == pytest.approx(depth * (1 - np.sqrt(1 - (120 / 150) ** 2)), abs=0.25)
    assert middle == pytest.approx(-depth / 3, abs=0.25)


def test_cup_grows_with_the_patient():
    depths = []
    for diameter in (200.0, 340.0):
        image = _image(1000.0 * _disc(diameter) - 1000.0, cupping_hu=10.0)
        r = _distance() / (0.5 * diameter)
        depths.append(image[np.abs(r - 0.8) < 0.02].mean() - image[r < 0.1].mean())
    assert depths[1] / depths[0] == pytest.approx(340 / 200, rel=0.12)


def test_water_alone_reads_true_and_much_bone_reads_low():
    beam = Beam.of(120.0)
    water = np.array([50.0, 200.0, 350.0])
    np.testing.assert_allclose(beam.error(water, 0 * water, {}, 1.0), 0, atol=2e-4)
    bone = beam.error(np.full(3, 235.0), np.array([0.5, 2.0, 5.0]), {}, 1.0)
    assert (np.diff(bone) < 0).all()
    assert bone[-1] < -0.02


def test_dense_bones_darken_what_lies_between_them():
    mineral = 600.0 * (_disc(50.0, -90.0) + _disc(50.0, 90.0))
    hu = 1000.0 * _disc(320.0) - 1000.0 + 1.25 * mineral
    dark = _image(hu, mineral, bone_hardening=1.0, cupping_hu=0)
    none = _image(hu, mineral, bone_hardening=0.0, cupping_hu=0)
    shadow = dark - none
    between = shadow[_distance() < 20].mean()
    above = shadow[_distance(0, -100) < 20].mean()
    assert between < above - 5


def test_metal_is_clipped_and_streaks_along_its_long_axis():
    ball = _disc(28.0, -80.0) + _disc(28.0, 80.0)
    hu = 1000.0 * _disc(320.0) - 1000.0
    image = _image(hu, metals={"cobalt_chrome": ball})
    assert (image[ball > 0.9] == MAX_HU).mean() > 0.99
    clean = _image(hu)
    off = image - clean
    assert off[_distance() < 10].mean() < off[_distance(0, -90) < 10].mean() - 20


def test_every_metal_is_brighter_than_the_scale():
    assert all(metal.hu > MAX_HU for metal in METALS.values())
