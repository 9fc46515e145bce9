"""The line from variance to Dice is the least-squares line, and knows its limits."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bmdpipe.segmentation.quality import dice_of, fit_quality, mean_variance


def test_the_line_is_that_of_scipy() -> None:
    rng = np.random.default_rng(0)
    variance = rng.uniform(0, 0.1, 30)
    dice = 0.97 - 3 * variance + rng.normal(0, 0.02, 30)
    expected = stats.linregress(variance, dice)
    line = fit_quality(list(variance), list(dice))
    assert line.slope == pytest.approx(expected.slope)
    assert line.intercept == pytest.approx(expected.intercept)
    assert line.correlation == pytest.approx(expected.rvalue)
    assert line.points == 30


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
