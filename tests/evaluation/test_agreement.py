"""Agreement metrics against published tables and other libraries."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import mean_absolute_error
from statsmodels.formula.api import ols

from bmdpipe.evaluation.agreement import NotMeasurable, bias, icc, icc_a1, icc_c1, mae, pcc, see
from bmdpipe.evaluation.repeatability import rms_cv

# Shrout and Fleiss 1979, Psychol Bull 86:420, Table 2: six targets, four judges.
SHROUT_FLEISS = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]],
    dtype=float,
)
METRICS = (pcc, icc_a1, icc_c1, mae, see, bias)


def pair(n: int = 40, seed: int = 0, noise: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    truth = random.normal(0.76, 0.15, n)
    return truth, truth + random.normal(0.02, noise * 0.15, n)


columns = st.integers(0, 10_000).map(lambda seed: pair(30, seed, noise=1.0))


@pytest.mark.parametrize(("kind", "published"), [("1,1", 0.17), ("A,1", 0.29), ("C,1", 0.71)])
def test_icc_is_the_published_one(kind: str, published: float) -> None:
    # ICC(1,1) = .17, ICC(2,1) = ICC(A,1) = .29, ICC(3,1) = ICC(C,1) = .71 in their Table 4
    assert round(icc(SHROUT_FLEISS, kind), 2) == published


def test_icc_is_the_ratio_of_the_anova_of_statsmodels() -> None:
    truth, estimate = pair()
    n = len(truth)
    table = pd.DataFrame(
        {
            "y": np.concatenate([truth, estimate]),
            "case": np.tile(np.arange(n), 2),
            "rater": np.repeat([0, 1], n),
        }
    )
    anova = sm.stats.anova_lm(ols("y ~ C(case) + C(rater)", data=table).fit())
    mean_square = anova["sum_sq"] / anova["df"]
    rows, raters, error = (mean_square[k] for k in ("C(case)", "C(rater)", "Residual"))
    assert icc_c1(truth, estimate) == pytest.approx((rows - error) / (rows + error))
    assert icc_a1(truth, estimate) == pytest.approx(
        (rows - error) / (rows + error + 2 * (raters - error) / n)
    )


def test_pcc_and_mae_agree_with_scipy_and_sklearn() -> None:
    truth, estimate = pair()
    assert pcc(truth, estimate) == pytest.approx(stats.pearsonr(truth, estimate).statistic)
    assert mae(truth, estimate) == pytest.approx(mean_absolute_error(truth, estimate))


def test_see_of_a_fitted_line_is_the_regression_standard_error() -> None:
    x, truth = pair(noise=2.0)
    fit = sm.OLS(truth, sm.add_constant(x)).fit()
    assert see(truth, fit.fittedvalues) == pytest.approx(np.sqrt(fit.mse_resid))


@given(columns, st.floats(0.1, 50.0), st.floats(-100.0, 100.0))
def test_pcc_does_not_see_a_positive_line(
    both: tuple[np.ndarray, np.ndarray], slope: float, shift: float
) -> None:
    truth, estimate = both
    moved = pcc(truth, slope * estimate + shift)
    assert moved == pytest.approx(pcc(truth, estimate), abs=1e-9)
    assert pcc(truth, -slope * estimate + shift) == pytest.approx(-moved, abs=1e-9)


@given(columns, st.floats(-2.0, 2.0))
def test_consistency_ignores_an_offset_and_bounds_absolute_agreement(
    both: tuple[np.ndarray, np.ndarray], offset: float
) -> None:
    truth, estimate = both
    estimate = estimate - estimate.mean() + truth.mean() + offset
    assert icc_c1(truth, estimate) == pytest.approx(icc_c1(truth, estimate + 1.0), abs=1e-9)
    # Absolute agreement adds the raters' variance to the denominator where it exceeds the error's.
    n, consistency = len(truth), icc_c1(truth, estimate)
    raters = n * offset**2 / 2
    error = np.sum((truth - estimate - np.mean(truth - estimate)) ** 2) / (2 * (n - 1))
    if raters >= error and consistency >= 0:
        assert icc_a1(truth, estimate) <= consistency + 1e-12
    assert abs(consistency) <= abs(pcc(truth, estimate)) + 1e-12


@given(columns, st.floats(0.5, 2000.0))
def test_errors_scale_with_the_unit_and_coefficients_do_not(
    both: tuple[np.ndarray, np.ndarray], factor: float
) -> None:
    truth, estimate = both
    for metric in (mae, see):
        assert metric(truth * factor, estimate * factor) == pytest.approx(
            factor * metric(truth, estimate)
        )
    for metric in (pcc, icc_a1, icc_c1):
        assert metric(truth * factor, estimate * factor) == pytest.approx(metric(truth, estimate))
    assert abs(bias(truth, estimate)) <= mae(truth, estimate) + 1e-12 <= see(truth, estimate)


def test_perfect_agreement() -> None:
    truth, _ = pair()
    assert [m(truth, truth) for m in (pcc, icc_a1, icc_c1)] == pytest.approx([1, 1, 1])
    assert [m(truth, truth) for m in (mae, see, bias)] == [0, 0, 0]


@pytest.mark.parametrize("metric", METRICS)
def test_too_few_cases_are_told(metric) -> None:
    with pytest.raises(NotMeasurable, match="2 cases"):
        metric([1.0, 2.0], [1.0, 2.0])


@pytest.mark.parametrize("constant", [[0.1] * 5, [0.0] * 5])
def test_a_constant_estimate_has_no_correlation(constant: list[float]) -> None:
    with pytest.raises(NotMeasurable, match="estimated values are all equal"):
        pcc([1.0, 2.0, 3.0, 4.0, 5.0], constant)
    with pytest.raises(NotMeasurable):
        icc_c1(constant, constant)


@pytest.mark.parametrize("metric", METRICS)
def test_missing_values_are_a_programming_error(metric) -> None:
    with pytest.raises(ValueError, match="finite"):
        metric([1.0, np.nan, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0])


def test_rms_cv_of_a_hand_made_case() -> None:
    # sd of (9, 11) is sqrt(2), of mean 10; b does not differ, c stands alone
    value = rms_cv([9, 11, 5, 5, 7], ["a", "a", "b", "b", "c"])
    assert value == pytest.approx(100 * np.sqrt((0.02 + 0.0) / 2))


@given(st.lists(st.floats(0.1, 500), min_size=1, max_size=8), st.integers(2, 5))
def test_rms_cv_of_equal_measurements_is_zero(levels: list[float], times: int) -> None:
    assert rms_cv(np.repeat(levels, times), np.repeat(np.arange(len(levels)), times)) < 1e-10


@given(st.integers(0, 1000), st.floats(0.1, 100))
def test_rms_cv_is_scipys_variation_and_has_no_unit(seed: int, factor: float) -> None:
    values = np.random.default_rng(seed).normal(1.0, 0.05, (6, 4))
    by_subject = stats.variation(values, axis=1, ddof=1)
    expected = 100 * np.sqrt(np.mean(by_subject**2))
    subject = np.repeat(np.arange(6), 4)
    assert rms_cv(factor * values.ravel(), subject) == pytest.approx(expected)


def test_rms_cv_needs_a_repeated_subject() -> None:
    with pytest.raises(NotMeasurable, match="twice"):
        rms_cv([1.0, 2.0, 3.0], ["a", "b", "c"])
    with pytest.raises(NotMeasurable, match="positive"):
        rms_cv([-1.0, 1.0], ["a", "a"])
