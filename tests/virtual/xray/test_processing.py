"""The looks keep the order of grey values, show bone bright, and level out the low frequencies."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest

from bmdpipe.core.config.virtual.xray import Family
from bmdpipe.virtual.xray.processing import (
    Look,
    enhanced,
    logarithm,
    tabled,
    window_of,
)

FAMILIES = get_args(Family)
PIXEL = 0.8
WHOLE = (slice(0, 300), slice(0, 400))


def look(family: Family) -> Look:
    return Look(family, equalise=0.5, enhance=0.4, gain=1.0, level=0.5, curve=0.4)


@pytest.mark.parametrize("family", FAMILIES)
def test_tables_rise_from_black_to_white(family):
    shown = tabled(np.linspace(-0.5, 1.5, 2001).astype(np.float32), look(family))
    assert (np.diff(shown) >= 0).all()
    assert (np.diff(shown[600:1400]) > 0).all()
    assert shown[0] == pytest.approx(0, abs=0.02)
    assert shown[-1] == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_ramp_stays_a_ramp(family):
    """The whole chain, filters included, on a wedge of rising attenuation."""
    ramp = np.broadcast_to(np.linspace(-1.5, 1.5, 400, dtype=np.float32), (300, 400)).copy()
    processed = enhanced(ramp, WHOLE, PIXEL, look(family))
    assert (np.diff(processed[150]) > 0).all()
    window = window_of(processed, WHOLE, look(family))
    shown = tabled((processed - window.low) / (window.high - window.low), look(family))
    assert (np.diff(shown[150]) >= -1e-6).all()
    assert shown[150, -60] > shown[150, 60] + 0.3


@pytest.mark.parametrize("family", FAMILIES)
def test_less_of_a_broad_step_is_left_than_of_a_small_detail(family):
    x = np.indices((300, 400))[1]
    broad = np.where(x > 200, 1.0, 0.0).astype(np.float32)
    detail = (0.1 * np.sin(x / 3.0)).astype(np.float32)
    seen = enhanced(broad, WHOLE, PIXEL, look(family))
    assert 0.2 < seen[150, 330] - seen[150, 70] < 0.8
    seen = enhanced(detail, WHOLE, PIXEL, look(family))
    assert np.ptp(seen[150, 100:300]) > np.ptp(detail[150, 100:300])


@pytest.mark.parametrize("family", FAMILIES)
def test_what_lies_outside_of_the_field_does_not_reach_in(family):
    rng = np.random.default_rng(1)
    image = rng.normal(0, 0.2, (300, 400)).astype(np.float32)
    inner = (slice(40, 260), slice(50, 350))
    other = np.full_like(image, 6.0)
    other[inner] = image[inner]
    a, b = (enhanced(i, inner, PIXEL, look(family)) for i in (image, other))
    np.testing.assert_allclose(a[inner], b[inner], atol=1e-4)


def test_the_window_follows_the_exposure():
    """Twice the dose, or a thicker patient, shows the same picture."""
    rng = np.random.default_rng(2)
    reading = np.exp(-rng.normal(0, 0.5, (300, 400))).astype(np.float32)
    shown = []
    for dose in (1.0, 2.0):
        log = logarithm(np.float32(dose) * reading)
        window = window_of(log, WHOLE, look("linear"))
        shown.append((log - window.low) / (window.high - window.low))
    np.testing.assert_allclose(shown[0], shown[1], atol=1e-3)


def test_gain_and_level_set_contrast_and_brightness():
    log = np.random.default_rng(3).normal(0, 0.3, (300, 400)).astype(np.float32)

    def mean_and_spread(**changes):
        made = replace(look("linear"), **changes)
        window = window_of(log, WHOLE, made)
        value = (log - window.low) / (window.high - window.low)
        return np.median(value), value.std()

    assert mean_and_spread(level=0.6)[0] - mean_and_spread(level=0.5)[0] == pytest.approx(0.1, 0.05)
    assert mean_and_spread(gain=1.2)[1] / mean_and_spread(gain=1.0)[1] == pytest.approx(1.2, 0.01)
