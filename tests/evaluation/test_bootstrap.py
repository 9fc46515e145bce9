"""The bootstrap over subjects."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bmdpipe.core.config.evaluation import EvaluationConfig
from bmdpipe.evaluation.agreement import NotMeasurable, pcc
from bmdpipe.evaluation.bootstrap import Sample, intervals
from bmdpipe.evaluation.summary import STATISTICS, summarise, summarise_limits


def cohort(
    subjects: int, per_subject: int, random: np.random.Generator, within: float = 0.0
) -> Sample:
    """Estimates with an error per subject (sd 1) and one per radiograph."""
    truth = np.repeat(random.normal(0, 2, subjects), per_subject)
    error = np.repeat(random.normal(0, 1, subjects), per_subject)
    error = error + within * random.normal(size=len(truth))
    label = np.repeat(np.arange(subjects), per_subject)
    return Sample(truth, truth + error, label, label % 2)


def mean_error(sample: Sample) -> float:
    return float((sample.estimate - sample.truth).mean())


def test_coverage_is_near_nominal_though_radiographs_repeat() -> None:
    random = np.random.default_rng(3)
    runs, inside, inside_if_by_case = 120, 0, 0
    for _ in range(runs):
        sample = cohort(40, 4, random)
        alone = Sample(sample.truth, sample.estimate, np.arange(160), sample.fold)
        for which, data in (("subject", sample), ("case", alone)):
            found = intervals(data, {"m": mean_error}, 120, 0.9, random)["m"]
            hit = found.low <= 0.0 <= found.high
            inside += hit and which == "subject"
            inside_if_by_case += hit and which == "case"
    # sd of a coverage over 120 runs is 0.03; a bootstrap over radiographs would be far too narrow
    assert 0.80 <= inside / runs <= 0.98
    assert inside_if_by_case / runs < 0.72


def test_interval_of_a_mean_is_the_one_of_scipy() -> None:
    random = np.random.default_rng(0)
    sample = cohort(60, 1, random)
    found = intervals(sample, {"m": mean_error}, 4000, 0.95, random)["m"]
    theirs = stats.bootstrap(
        (sample.estimate - sample.truth,),
        np.mean,
        n_resamples=4000,
        method="percentile",
        rng=np.random.default_rng(1),
    ).confidence_interval
    width = theirs.high - theirs.low
    assert found.low == pytest.approx(theirs.low, abs=0.06 * width)
    assert found.high == pytest.approx(theirs.high, abs=0.06 * width)


def test_the_same_seed_gives_the_same_interval() -> None:
    sample = cohort(10, 2, np.random.default_rng(0))
    first, second = (
        intervals(sample, {"m": mean_error}, 50, 0.9, np.random.default_rng(7)) for _ in range(2)
    )
    assert first == second


def test_a_subject_drawn_twice_counts_as_two() -> None:
    seen: list[tuple[int, int]] = []

    def record(sample: Sample) -> float:
        _, count = np.unique(sample.subject, return_counts=True)
        seen.append((len(count), int(count.max())))
        return 0.0

    intervals(
        cohort(5, 3, np.random.default_rng(0)), {"r": record}, 30, 0.9, np.random.default_rng(1)
    )
    assert set(seen) == {(5, 3)}


def test_no_interval_for_two_subjects_or_a_metric_that_often_has_no_value() -> None:
    random = np.random.default_rng(0)
    assert intervals(cohort(2, 4, random), {"m": mean_error}, 30, 0.9, random) == {}

    calls = iter(range(1000))

    def moody(_sample: Sample) -> float:
        if next(calls) % 5 == 0:
            raise NotMeasurable("moody")
        return 1.0

    assert "moody" not in intervals(cohort(9, 2, random), {"moody": moody}, 50, 0.9, random)


def test_summary_holds_value_interval_and_folds() -> None:
    sample = cohort(20, 3, np.random.default_rng(0), within=0.3)
    sample = Sample(sample.truth + 10, sample.estimate + 10, sample.subject, sample.fold)
    config = EvaluationConfig(bootstrap_samples=50)
    metrics, left_out = summarise(sample, "g/cm2", config)
    assert not left_out
    assert set(metrics) == set(STATISTICS)
    folds = [pcc(sample.truth[f], sample.estimate[f]) for f in (sample.fold == 0, sample.fold == 1)]
    entry = metrics["pcc"]
    assert entry["value"] == pcc(sample.truth, sample.estimate)
    assert entry["fold_mean"] == pytest.approx(np.mean(folds))
    assert entry["fold_sd"] == pytest.approx(np.std(folds, ddof=1))
    assert entry["ci_low"] < entry["value"] < entry["ci_high"]
    assert (entry["n"], metrics["rms_cv"]["n"]) == (60, 20)
    assert metrics["mae"]["unit"] == "g/cm2"


def test_what_cannot_be_measured_is_left_out_with_a_reason() -> None:
    truth = np.arange(6.0)
    sample = Sample(truth, np.full(6, 0.7), np.arange(6), np.zeros(6))
    metrics, left_out = summarise(sample, "g/cm2", EvaluationConfig(bootstrap_samples=20))
    assert set(left_out) == {"pcc", "rms_cv"}
    assert set(metrics) == {"icc_a1", "icc_c1", "mae", "see", "bias"}
    nothing = Sample(truth[:0], truth[:0], truth[:0], truth[:0])
    metrics, left_out = summarise(nothing, "g/cm2", EvaluationConfig(bootstrap_samples=20))
    assert metrics == {}
    assert set(left_out) == set(STATISTICS)
    assert summarise_limits(nothing, "g/cm2", EvaluationConfig()) == {}
