"""The metrics of one experiment and target, as the JSON that tables and report read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from bmdpipe.core.config.evaluation import EvaluationConfig
from bmdpipe.evaluation import agreement, repeatability
from bmdpipe.evaluation.agreement import NotMeasurable
from bmdpipe.evaluation.bland_altman import bland_altman, limits
from bmdpipe.evaluation.bootstrap import Sample, Statistic, intervals

STATISTICS: dict[str, Statistic] = {
    "pcc": lambda s: agreement.pcc(s.truth, s.estimate),
    "icc_a1": lambda s: agreement.icc_a1(s.truth, s.estimate),
    "icc_c1": lambda s: agreement.icc_c1(s.truth, s.estimate),
    "mae": lambda s: agreement.mae(s.truth, s.estimate),
    "see": lambda s: agreement.see(s.truth, s.estimate),
    "bias": lambda s: agreement.bias(s.truth, s.estimate),
    "rms_cv": lambda s: repeatability.rms_cv(s.estimate, s.subject),
}
UNITLESS = frozenset({"pcc", "icc_a1", "icc_c1"})
LIMITS: dict[str, Statistic] = {
    "lower": lambda s: limits(s.estimate - s.truth)[1],
    "upper": lambda s: limits(s.estimate - s.truth)[2],
}


def summarise(
    sample: Sample,
    unit: str,
    config: EvaluationConfig,
    statistics: Mapping[str, Statistic] = STATISTICS,
) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Each metric over all held-out cases with its interval over subjects and its values by fold,
    and the reasons for the metrics that have no value."""
    metrics: dict[str, dict[str, Any]] = {}
    left_out: dict[str, str] = {}
    for name, statistic in statistics.items():
        try:
            value = statistic(sample)
        except NotMeasurable as reason:
            left_out[name] = str(reason)
            continue
        n = repeatability.repeated_subjects(sample.subject) if name == "rms_cv" else len(sample)
        metrics[name] = {
            "value": value,
            "n": n,
            "unit": "" if name in UNITLESS else "%" if name == "rms_cv" else unit,
            **_by_fold(sample, statistic),
        }
    kept = {name: statistics[name] for name in metrics}
    random = np.random.default_rng(config.seed)
    found = intervals(sample, kept, config.bootstrap_samples, config.confidence, random)
    for name, interval in found.items():
        metrics[name] |= {"ci_low": interval.low, "ci_high": interval.high}
    return metrics, left_out


def summarise_limits(sample: Sample, unit: str, config: EvaluationConfig) -> dict[str, Any]:
    """Bland-Altman bias, limits with intervals over subjects, and outliers; empty for too few."""
    try:
        result = bland_altman(sample.truth, sample.estimate, sample.subject)
    except NotMeasurable:
        return {}
    random = np.random.default_rng(config.seed)
    found = intervals(sample, LIMITS, config.bootstrap_samples, config.confidence, random)
    plain = {k: v for k, v in asdict(result).items() if v is not None}
    plain["case_level_outliers"] = list(result.case_level_outliers)
    plain["unit"] = unit
    for name, interval in found.items():
        plain[f"{name}_ci_low"], plain[f"{name}_ci_high"] = interval.low, interval.high
    return plain


def _by_fold(sample: Sample, statistic: Statistic) -> dict[str, Any]:
    values: dict[str, float] = {}
    for fold in np.unique(sample.fold):
        try:
            values[str(fold)] = statistic(sample.where(sample.fold == fold))
        except NotMeasurable:
            continue
    result: dict[str, Any] = {"folds": values}
    if values:
        result["fold_mean"] = float(np.mean(list(values.values())))
    if len(values) > 1:
        result["fold_sd"] = float(np.std(list(values.values()), ddof=1))
    return result
