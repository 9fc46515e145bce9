"""One row of a table against another, over the same radiographs."""

import numpy as np
import pandas as pd
import pytest

from bmdpipe.core.tables import TableRow
from bmdpipe.evaluation.agreement import NotMeasurable
from bmdpipe.evaluation.differences import comparisons, pcc_difference

SUBJECTS, EACH = 30, 3


def readings(noise, seed, keep=slice(None)):
    """Predictions that miss the truth by noise of this standard deviation."""
    random = np.random.default_rng(0)
    truth = np.repeat(random.normal(size=SUBJECTS), EACH)
    missed = np.random.default_rng(seed).normal(size=len(truth)) * noise
    subject = np.repeat([f"S{n:02d}" for n in range(SUBJECTS)], EACH)
    case = [f"{name}/{n % EACH}" for n, name in enumerate(subject)]
    table = {"case": case, "subject": subject, "bmd_true": truth, "bmd_pred": truth + missed}
    return pd.DataFrame(table).iloc[keep]


def difference(first, second):
    return pcc_difference(first, second, 200, 0.95, np.random.default_rng(1))


def test_a_row_does_not_differ_from_itself():
    row = {0: readings(1.0, 1), 1: readings(1.0, 2)}
    found = difference(row, row)
    assert found.by_seed == {0: 0.0, 1: 0.0}
    assert (found.mean, found.low, found.high) == (0.0, 0.0, 0.0)


def test_it_is_the_difference_of_numpys_correlations():
    first, second = readings(0.3, 1), readings(2.0, 2)
    found = difference({4: first}, {4: second})
    expected = [np.corrcoef(t["bmd_true"], t["bmd_pred"])[0, 1] for t in (first, second)]
    assert found.by_seed[4] == pytest.approx(expected[0] - expected[1], abs=1e-12)
    assert 0 < found.low < found.mean < found.high
    turned = difference({4: second}, {4: first})
    assert turned.mean == pytest.approx(-found.mean)


def test_only_cases_that_both_have_are_compared():
    whole, part = readings(0.5, 1), readings(0.5, 1, slice(EACH * 10, None))
    part_of_whole = whole.iloc[EACH * 10 :]
    other = readings(1.5, 2)
    assert (
        difference({0: part}, {0: other}).by_seed
        == difference({0: part_of_whole}, {0: other}).by_seed
    )
    shuffled = other.sample(frac=1, random_state=3)
    assert difference({0: part}, {0: shuffled}).by_seed == difference({0: part}, {0: other}).by_seed


def test_equal_rows_are_rarely_told_apart():
    """Of twenty pairs that are equally good, the interval excludes zero about once."""
    excluded = 0
    for seed in range(20):
        found = difference({0: readings(1.0, 2 * seed + 10)}, {0: readings(1.0, 2 * seed + 11)})
        excluded += not found.low <= 0 <= found.high
    assert excluded <= 4


def test_without_a_shared_seed_there_is_nothing_to_compare():
    with pytest.raises(NotMeasurable):
        difference({0: readings(1.0, 1)}, {1: readings(1.0, 1)})


def test_each_regression_meets_its_own_decomposition_and_the_baseline():
    rows = [
        TableRow(group, label, (f"e{n}",), (None,))
        for n, (group, label) in enumerate(
            [
                ("four", "conventional"),
                ("four", "decomposition using QCT"),
                ("four", "+ regression (tuned)"),
                ("four", "decomposition using uncalibrated CT"),
                ("four", "+ regression (tuned)"),
                ("two", "decomposition using QCT"),
                ("two", "+ regression (tuned)"),
                ("net", "without hierarchical learning"),
                ("net", "with hierarchical learning"),
            ]
        )
    ]
    asked = [(c.first.experiments[0], c.second.experiments[0]) for c in comparisons(rows)]
    assert asked == [
        ("e1", "e0"), ("e2", "e1"), ("e2", "e0"), ("e3", "e0"), ("e4", "e3"), ("e4", "e0"),
        ("e6", "e5"), ("e8", "e7"),
    ]  # fmt: skip
