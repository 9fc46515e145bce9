"""Gradient correlation against the plain formula."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from bmdpipe.registration.similarity import GradientCorrelation, NothingToCompareError


def plain(fixed, moving, sigma, radius, weight=None) -> float:
    """scipy's Gaussian derivatives and numpy's correlation coefficient, away from the border."""
    inner = (slice(radius, -radius),) * 2
    use = np.ones(fixed[inner].shape, bool) if weight is None else weight
    scores = []
    for order in ((0, 1), (1, 0)):
        a, b = (
            ndimage.gaussian_filter(i.astype(float), sigma, order=order, radius=radius)[inner][use]
            for i in (fixed, moving)
        )
        scores.append(np.corrcoef(a, b)[0, 1])
    return float(np.mean(scores))


@pytest.mark.parametrize("sigma", [0.8, 1.0, 1.7])
def test_formula(sigma):
    rng = np.random.default_rng(0)
    fixed = rng.standard_normal((31, 43)).astype(np.float32)
    moving = (fixed + rng.standard_normal((5, 31, 43))).astype(np.float32)
    measure = GradientCorrelation.of(fixed, sigma)
    radius = len(measure.smooth) // 2
    expected = [plain(fixed, m, sigma, radius) for m in moving]
    np.testing.assert_allclose(measure.of_batch(moving), expected, atol=2e-4)


def test_unknown_pixels_do_not_count():
    """What stands in them changes nothing, and the rest is the plain formula on what is left."""
    rng = np.random.default_rng(1)
    fixed, moving = rng.standard_normal((2, 40, 50)).astype(np.float32)
    moving += fixed
    known = np.ones(fixed.shape, bool)
    known[10:14, 20:30] = False
    spoilt = fixed.copy()
    spoilt[~known] = 1000.0
    left = ~ndimage.binary_dilation(~known, np.ones((7, 7)))[3:-3, 3:-3]
    expected = plain(fixed, moving, 1.0, 3, left)
    for image in (fixed, spoilt):
        found = GradientCorrelation.of(image, 1.0, known).of_batch(moving[None])[0]
        assert found == pytest.approx(expected, abs=2e-4)


@settings(max_examples=20, deadline=None)
@given(st.floats(0.1, 50), st.floats(-100, 100), st.integers(0, 1000))
def test_brightness_and_contrast_do_not_count(gain, offset, seed):
    fixed = np.random.default_rng(seed).standard_normal((20, 24)).astype(np.float32)
    measure = GradientCorrelation.of(fixed, 1.0)
    moving = np.stack([gain * fixed + offset, offset - gain * fixed]).astype(np.float32)
    np.testing.assert_allclose(measure.of_batch(moving), [1.0, -1.0], atol=2e-3)


def test_sum_of_squares_that_the_refinement_uses():
    """GC = 1 - |moving - fixed|^2 / 4 with normalised derivatives."""
    rng = np.random.default_rng(4)
    fixed, moving = rng.standard_normal((2, 30, 30)).astype(np.float32)
    measure = GradientCorrelation.of(fixed, 1.0)
    apart = ((measure.normalised(moving[None])[0] - measure.fixed) ** 2).sum()
    assert measure.of_batch(moving[None])[0] == pytest.approx(1 - apart / 4, abs=1e-5)


@pytest.mark.parametrize("image", [np.ones((20, 20)), np.full((20, 20), np.nan), np.eye(5)])
def test_nothing_to_compare_is_refused(image):
    with pytest.raises(NothingToCompareError):
        GradientCorrelation.of(image.astype(np.float32), 1.0)


def test_a_bright_letter_does_not_outweigh_the_rest():
    """With the limit, a patch far brighter than all else costs less than a twentieth."""
    rng = np.random.default_rng(8)
    clean = ndimage.gaussian_filter(rng.standard_normal((60, 60)), 2).astype(np.float32)
    marked = clean.copy()
    marked[10:13, 12:15] += 50 * clean.std()
    score = {
        limit: GradientCorrelation.of(marked, 1.0, limit=limit).of_batch(clean[None])[0]
        for limit in (1.0, 0.9)
    }
    assert score[1.0] < 0.5
    assert score[0.9] > 0.9


def test_unknown_pixels_set_no_limit():
    """The limit is the quantile of what is known, whatever stands in the rest."""
    rng = np.random.default_rng(9)
    fixed, moving = rng.standard_normal((2, 40, 50)).astype(np.float32)
    known = np.ones(fixed.shape, bool)
    known[:, 30:] = False
    spoilt = np.where(known, fixed, 1000.0 * fixed)
    scores = [
        GradientCorrelation.of(image, 1.0, known, 0.95).of_batch(moving[None])[0]
        for image in (fixed, spoilt)
    ]
    assert scores[0] == pytest.approx(scores[1], abs=1e-6)
