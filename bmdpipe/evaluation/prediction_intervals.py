"""The prediction interval of every held-out BMD, as a table and with the coverage it reached."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.config.evaluation import EvaluationConfig
from bmdpipe.evaluation.agreement import NotMeasurable
from bmdpipe.evaluation.bootstrap import Sample
from bmdpipe.evaluation.conformal import cross_conformal
from bmdpipe.evaluation.predictions import UNITS, Prediction, sample_of
from bmdpipe.evaluation.summary import summarise

COLUMNS = ("case", "subject", "target", "bmd_pred", "low", "high", "nominal")


@dataclass(frozen=True)
class Intervals:
    """Rows by COLUMNS, one per case that has a true and a predicted BMD, and their summary."""

    rows: tuple[tuple[str, ...], ...]
    summary: dict[str, Any]


def intervals_of(rows: Sequence[Prediction], config: EvaluationConfig) -> Intervals:
    """Cross-conformal intervals of one target's cases; `summary` says why where there are none."""
    kept = [row for row in rows if row.bmd_true is not None and row.bmd_pred is not None]
    sample = sample_of(kept)
    try:
        found = cross_conformal(sample, config.interval_coverage)
    except NotMeasurable as reason:
        return Intervals((), {"left_out": {"coverage": str(reason)}})
    if not np.isfinite(found.half_width).all():
        return Intervals((), {"left_out": {"coverage": "too few subjects calibrate an interval"}})
    metrics, left_out = coverage_of(sample, found.half_width, config)
    lines = [
        (
            row.case,
            row.subject,
            row.target,
            f"{sample.estimate[i]:.6g}",
            f"{sample.estimate[i] - found.half_width[i]:.6g}",
            f"{sample.estimate[i] + found.half_width[i]:.6g}",
            f"{found.nominal:g}",
        )
        for i, row in enumerate(kept)
    ]
    summary = {
        "nominal": found.nominal,
        "unit": UNITS[kept[0].target],
        "mean_half_width": float(found.half_width.mean()),
        **metrics,
        "left_out": left_out,
    }
    return Intervals(tuple(lines), summary)


def coverage_of(
    sample: Sample, half_width: NDArray[np.float64] | float, config: EvaluationConfig
) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """The share of true BMDs within `half_width` of the estimate, each subject counting once, as
    the metric `coverage`; and the reason where it has no value."""
    covered = (np.abs(sample.estimate - sample.truth) <= half_width).astype(float)
    outcome = Sample(covered, covered, sample.subject, sample.fold)
    return summarise(outcome, "", config, {"coverage": _mean_over_subjects})


def interval_table(intervals: Sequence[Intervals]) -> str:
    """A tab-separated table of all targets' intervals."""
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter="\t", lineterminator="\n")
    writer.writerow(COLUMNS)
    for found in intervals:
        writer.writerows(found.rows)
    return stream.getvalue()


def _mean_over_subjects(sample: Sample) -> float:
    _, label = np.unique(sample.subject, return_inverse=True)
    return float(np.mean(np.bincount(label, sample.estimate) / np.bincount(label)))
