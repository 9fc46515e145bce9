"""Prediction intervals: the formula where it is known, and the coverage they promise."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmdpipe.core.config.evaluation import EvaluationConfig
from bmdpipe.evaluation.agreement import NotMeasurable
from bmdpipe.evaluation.bootstrap import Sample
from bmdpipe.evaluation.conformal import cross_conformal, half_width
from bmdpipe.evaluation.prediction_intervals import interval_table, intervals_of
from bmdpipe.evaluation.predictions import Prediction


@given(st.integers(1, 60), st.sampled_from([0.6, 0.8, 0.9, 0.95]), st.integers(0, 99))
def test_one_radiograph_per_subject_is_split_conformal(n: int, nominal: float, seed: int) -> None:
    """The ceil((n + 1) nominal)-th smallest error, infinite beyond the largest (Lei 2018)."""
    errors = np.random.default_rng(seed).exponential(size=n)
    rank = int(np.ceil(np.round((n + 1) * nominal, 9)))
    expected = np.sort(errors)[rank - 1] if rank <= n else np.inf
    assert half_width(errors, np.arange(n), nominal) == expected


def test_a_subject_weighs_the_same_however_many_radiographs_it_has() -> None:
    random = np.random.default_rng(0)
    errors, subject = random.exponential(size=30), np.arange(30)
    doubled = half_width(np.repeat(errors, 4), np.repeat(subject, 4), 0.9)
    assert doubled == half_width(errors, subject, 0.9)


def cohort(seed: int, n: int = 60, radiographs: int = 4) -> Sample:
    """Errors with a part that a subject's radiographs share; heavy tails; three folds."""
    random = np.random.default_rng(seed)
    subject = np.repeat(np.arange(n), radiographs)
    error = random.standard_t(3, n)[subject] + random.normal(size=n * radiographs)
    return Sample(np.zeros(len(error)), error, subject, subject % 3)


def test_coverage_is_what_was_promised() -> None:
    """At least nominal, at most 1 / (n + 1) more for n calibrating subjects (Lei 2018, theorem 2).

    Mean over 300 cohorts of 60 subjects: a binomial error of 0.25 points, four of them allowed."""
    covered = np.mean([cross_conformal(cohort(seed), 0.9).coverage for seed in range(300)])
    assert 0.9 - 0.01 <= covered <= 0.9 + 1 / 41 + 0.01


def test_a_fold_does_not_calibrate_itself() -> None:
    sample = cohort(1)
    worse = Sample(
        sample.truth,
        np.where(sample.fold == 0, 100 * sample.estimate, sample.estimate),
        sample.subject,
        sample.fold,
    )
    widths = cross_conformal(worse, 0.9).half_width
    assert (widths[sample.fold == 0] == cross_conformal(sample, 0.9).half_width[0]).all()
    with pytest.raises(NotMeasurable):
        cross_conformal(sample.where(sample.fold == 0), 0.9)


def predictions(n: int) -> list[Prediction]:
    s = cohort(4, n, 2)
    return [
        Prediction(f"V{i}/{k}/R", f"V{i}", "supine", str(f), "qct", 300.0, 300 + e, None, "")
        for k, (i, f, e) in enumerate(zip(s.subject, s.fold, s.estimate, strict=True))
    ]


def test_table_holds_an_interval_around_every_prediction() -> None:
    rows = predictions(60)
    found = intervals_of(rows, EvaluationConfig(bootstrap_samples=20))
    table = list(csv.DictReader(io.StringIO(interval_table([found])), delimiter="\t"))
    assert [r["case"] for r in table] == [r.case for r in rows]
    for line, row in zip(table, rows, strict=True):
        low, high = float(line["low"]), float(line["high"])
        assert (low + high) / 2 == pytest.approx(row.bmd_pred, rel=1e-5)
    inside = [float(r["low"]) <= 300.0 <= float(r["high"]) for r in table]
    assert found.summary["coverage"]["value"] == pytest.approx(np.mean(inside), abs=1e-9)


def test_too_few_subjects_have_no_interval_and_it_is_said() -> None:
    found = intervals_of(predictions(6), EvaluationConfig(bootstrap_samples=20))
    assert found.rows == ()
    assert "too few" in found.summary["left_out"]["coverage"]
