"""Comparison of conditions against the t test, scipy and what cannot be."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bmdpipe.evaluation.agreement import NotMeasurable
from bmdpipe.evaluation.positionings import absolute_errors, compare_positionings
from bmdpipe.evaluation.predictions import Prediction
from bmdpipe.evaluation.repeated import repeated_measures_anova, tukey_hsd


def measured(shift: float, n: int = 12) -> np.ndarray:
    random = np.random.default_rng(5)
    return random.normal(10, 3, (n, 1)) + random.normal(0, 1, (n, 2)) + [0.0, shift]


def test_anova_of_two_conditions_is_the_paired_t_test() -> None:
    values = measured(0.7)
    t = stats.ttest_rel(values[:, 0], values[:, 1])
    found = repeated_measures_anova(values, ["a", "b"])
    assert found.f == pytest.approx(t.statistic**2)
    assert found.p == pytest.approx(t.pvalue)
    assert (found.numerator_df, found.denominator_df) == (1, 11)


def test_anova_does_not_see_what_subjects_differ_by() -> None:
    values = measured(0.7)
    moved = values + 100 * np.random.default_rng(0).normal(size=(12, 1))
    assert repeated_measures_anova(moved, ["a", "b"]).f == pytest.approx(
        repeated_measures_anova(values, ["a", "b"]).f
    )


def test_tukey_agrees_with_scipy() -> None:
    random = np.random.default_rng(1)
    groups = {name: random.normal(i, 1, 9 + i) for i, name in enumerate("abcd")}
    oracle = stats.tukey_hsd(*groups.values())
    limits = oracle.confidence_interval(0.95)
    for pair in tukey_hsd(groups, 0.95):
        i, j = "abcd".index(pair.first), "abcd".index(pair.second)
        assert pair.difference == pytest.approx(oracle.statistic[j, i])
        assert pair.p == pytest.approx(oracle.pvalue[j, i], abs=1e-4)
        assert (pair.ci_low, pair.ci_high) == pytest.approx(
            (limits.low[j, i], limits.high[j, i]), abs=1e-3
        )


@pytest.mark.parametrize("values", [np.ones((2, 2)), np.ones((5, 1)), np.ones((5, 3))])
def test_nothing_to_compare_has_no_value(values: np.ndarray) -> None:
    with pytest.raises(NotMeasurable):
        repeated_measures_anova(values, [str(i) for i in range(values.shape[1])])


def row(subject: int, positioning: str, side: str, error: float) -> Prediction:
    name = f"V{subject}"
    return Prediction(
        f"{name}/{positioning}/{side}", name, positioning, "0", "dxa", 0.8, 0.8 + error, None, ""
    )


def test_a_subject_counts_once_per_positioning() -> None:
    """Two hips of one patient are not two patients."""
    rows = [row(1, "supine", "R", 0.1), row(1, "supine", "L", -0.3)]
    assert absolute_errors(rows) == {"supine": {"V1": pytest.approx(0.2)}}


def test_a_worse_positioning_is_found_and_a_missing_radiograph_is_left_out() -> None:
    random = np.random.default_rng(2)
    rows = [
        row(s, name, "R", base + 0.01 * random.normal())
        for s in range(10)
        for name, base in (("standing", 0.05), ("supine", 0.05), ("abduction", 0.1))
        if (s, name) != (0, "supine")
    ]
    found = compare_positionings(rows, 0.95)
    assert found["anova"]["n_subjects"] == 9
    assert found["anova"]["p"] < 1e-6
    p = {(pair["first"], pair["second"]): pair["p"] for pair in found["tukey"]}
    assert max(p["abduction", "standing"], p["abduction", "supine"]) < 0.001
    assert p["standing", "supine"] > 10 * p["abduction", "standing"]
    assert found["left_out"] == {}


def test_one_positioning_is_said_not_to_compare() -> None:
    found = compare_positionings([row(s, "supine", "R", 0.1 * s) for s in range(5)], 0.95)
    assert set(found["left_out"]) == {"anova", "tukey"}
