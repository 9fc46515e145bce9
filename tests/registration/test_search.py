"""Search and refinement on a similarity whose maximum is known."""

from __future__ import annotations

import numpy as np

from bmdpipe.core.config.registration import Level
from bmdpipe.registration.evolution import search

BEST = np.array([3.0, -2.0, 1.0, 4.0, -5.0, 20.0])
SCALE = np.array([10.0, 10.0, 10.0, 10.0, 10.0, 60.0])
LEVEL = Level(pixel_mm=1.0, population=40, generations=80, tolerance=1e-7)


def bell(parameters):
    return np.exp(-(((parameters - BEST) / SCALE) ** 2).sum(axis=1))


def run(seed: int, limit: float = 50.0):
    return search(bell, np.zeros(6), np.full(6, limit), LEVEL, np.random.default_rng(seed))


def test_finds_the_maximum():
    np.testing.assert_allclose(run(0).parameters, BEST, atol=0.2)


def test_same_seed_same_result_and_numpy_is_left_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    np.testing.assert_array_equal(run(5).parameters, run(5).parameters)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_stays_inside_the_bounds():
    found = run(1, limit=4.0)
    assert (np.abs(found.parameters) <= 4.0).all()
    np.testing.assert_allclose(found.parameters, np.clip(BEST, -4, 4), atol=0.2)
