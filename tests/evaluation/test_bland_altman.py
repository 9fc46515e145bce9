"""Bland-Altman limits and the subjects outside them."""

from __future__ import annotations

import numpy as np
import pytest

from bmdpipe.evaluation.agreement import NotMeasurable
from bmdpipe.evaluation.bland_altman import bland_altman


def test_limits_are_the_mean_and_196_sd() -> None:
    random = np.random.default_rng(0)
    truth, estimate = random.normal(size=(2, 50))
    result = bland_altman(truth, estimate, np.arange(50))
    difference = estimate - truth
    assert result.bias == pytest.approx(difference.mean())
    assert result.upper - result.bias == pytest.approx(1.96 * difference.std(ddof=1))
    assert result.bias - result.lower == pytest.approx(1.96 * difference.std(ddof=1))
    assert result.sd == pytest.approx(difference.std(ddof=1))


def test_slope_is_that_of_a_regression_on_the_means() -> None:
    random = np.random.default_rng(1)
    truth = random.normal(size=60)
    estimate = 0.6 * truth + 0.1 * random.normal(size=60)
    result = bland_altman(truth, estimate, np.arange(60))
    expected = np.polyfit((truth + estimate) / 2, estimate - truth, 1)[0]
    assert result.slope == pytest.approx(expected)
    assert result.slope is not None
    assert result.slope < 0


def test_a_subject_is_an_outlier_only_with_all_points_beyond_one_side() -> None:
    # 40 quiet subjects with two points each; then above with both, with one, one on each side
    subject = (
        [f"q{i}" for i in range(40) for _ in range(2)] + ["up"] * 2 + ["half"] * 2 + ["cross"] * 2
    )
    difference = [0.01, -0.01] * 40 + [5.0, 5.2] + [5.0, 0.0] + [5.0, -5.0]
    truth = np.linspace(1, 2, len(subject))
    result = bland_altman(truth, truth + difference, subject)
    assert result.case_level_outliers == ("up",)
    assert result.outliers == 5
    mirrored = bland_altman(truth, truth - difference, subject)
    assert mirrored.case_level_outliers == ("up",)


def test_two_points_have_no_limits() -> None:
    with pytest.raises(NotMeasurable):
        bland_altman([1.0, 2.0], [1.0, 2.0], ["a", "b"])
