"""The line from variance to Dice is the least-squares line, and knows its limits."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bmdpipe.segmentation.quality import (
    QualityLine,
    QualityPoint,
    dice_of,
    mean_variance,
)
from bmdpipe.segmentation.quality import fit_quality as fit


def fit_quality(variance: list[float], dice: list[float]) -> QualityLine:
    """The line of points that each belong to a subject of their own."""
    pairs = enumerate(zip(variance, dice, strict=True))
    return fit([QualityPoint(f"V{i}", v, d, 0.0) for i, (v, d) in pairs])


def test_the_line_is_that_of_scipy() -> None:
    rng = np.random.default_rng(0)
    variance = rng.uniform(0, 0.1, 30)
    dice = 0.97 - 3 * variance + rng.normal(0, 0.02, 30)
    expected = stats.linregress(variance, dice)
    line = fit_quality(list(variance), list(dice))
    assert line.slope == pytest.approx(expected.slope)
    assert line.intercept == pytest.approx(expected.intercept)
    assert line.correlation == pytest.approx(expected.rvalue)
    assert line.rank_correlation == pytest.approx(stats.spearmanr(variance, dice).statistic)
    assert line.points == 30


def test_the_error_is_that_of_subjects_left_out() -> None:
    """By hand: each subject's Dice from scipy's line through the others."""
    rng = np.random.default_rng(1)
    owners = np.repeat(["A", "B", "C"], 4)
    variance = rng.uniform(0, 0.1, 12)
    dice = 0.9 - 2 * variance + rng.normal(0, 0.02, 12)
    off = []
    for subject in "ABC":
        others = stats.linregress(variance[owners != subject], dice[owners != subject])
        own = owners == subject
        off += list(np.abs(others.slope * variance[own] + others.intercept - dice[own]))
    rows = zip(owners, variance, dice, strict=True)
    line = fit([QualityPoint(str(s), v, d, 0.0) for s, v, d in rows])
    assert line.error == pytest.approx(np.mean(off))


def test_predictions_stay_between_zero_and_one() -> None:
    line = fit_quality([0.0, 0.1], [1.0, 0.5])
    assert line.dice(0.05) == pytest.approx(0.75)
    assert line.dice(10) == 0
    assert line.dice(-1) == 1


@pytest.mark.parametrize(
    ("variance", "dice"), [([0.02], [0.9]), ([0.02, 0.02], [0.8, 1.0]), ([0.0, 0.1], [0.8, 1.0])]
)
def test_points_that_tell_nothing_give_their_mean(variance: list[float], dice: list[float]) -> None:
    line = fit_quality(variance, dice)
    assert line.slope == 0
    assert line.dice(0.5) == pytest.approx(np.mean(dice))


def test_no_point_gives_no_line() -> None:
    with pytest.raises(ValueError, match="at least one point"):
        fit_quality([], [])


def test_dice_and_mean_variance() -> None:
    a = np.array([1, 1, 0, 0], bool)
    b = np.array([1, 0, 0, 0], bool)
    assert dice_of(a, b) == pytest.approx(2 / 3)
    assert dice_of(a, ~a) == 0
    assert dice_of(a & ~a, a & ~a) == 1
    assert mean_variance(np.array([1.0, 3.0, 9.0, 9.0]), a) == 2
    assert mean_variance(np.array([1.0]), np.array([False])) == 0
