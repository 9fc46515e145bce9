"""Image metrics of an experiment's predicted projections, streamed case by case."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from bmdpipe.core.config.evaluation import EvaluationConfig
from bmdpipe.evaluation.agreement import NotMeasurable
from bmdpipe.evaluation.bootstrap import Sample
from bmdpipe.evaluation.images import mean_intensity, multi_threshold_dice, psnr
from bmdpipe.evaluation.summary import STATISTICS, summarise

UNIT = "mg/cm2"
INTENSITY = {name: STATISTICS[name] for name in ("pcc", "icc_a1", "icc_c1", "mae")}


def evaluate_projections(
    files: Mapping[str, Path], subject_of: Mapping[str, str], config: EvaluationConfig
) -> dict[str, Any]:
    """PSNR, multi-threshold Dice and agreement of the mean intensity over all held-out cases.

    `files` are the projection files by fold, `subject_of` gives a case's subject. The peak of the
    PSNR is one value for all cases: the largest true projection of the experiment. A predicted
    projection without a pixel at the intensity threshold is counted in `empty_predictions`.
    """
    peak = max(float(truth.max()) for _, _, truth, _ in _cases(files))
    thresholds, lowest = config.dice_thresholds_mg_cm2, config.intensity_threshold_mg_cm2
    labels: list[tuple[str, str]] = []
    rows: list[tuple[float, float, float, float]] = []
    for fold, case, truth, estimate in _cases(files):
        labels.append((subject_of[case], fold))
        rows.append(
            (
                _or_nan(psnr, truth, estimate, peak),
                _or_nan(multi_threshold_dice, truth, estimate, thresholds),
                _or_nan(mean_intensity, truth, lowest),
                _or_nan(mean_intensity, estimate, lowest),
            )
        )
    quality, overlap, true_mean, predicted_mean = np.array(rows).T
    subject, fold_of = np.array(labels).T
    result: dict[str, Any] = {
        "n_cases": len(rows),
        "peak_mg_cm2": peak,
        "dice_thresholds_mg_cm2": list(thresholds),
        "intensity_threshold_mg_cm2": lowest,
        "empty_predictions": int(np.isnan(predicted_mean).sum()),
        "left_out": {},
    }
    for name, unit, values in (("psnr", "dB", quality), ("dice", "", overlap)):
        sample = _measured(Sample(values, values, subject, fold_of))
        metrics, left_out = summarise(sample, unit, config, {name: _mean})
        result |= metrics
        result["left_out"] |= left_out
    sample = _measured(Sample(true_mean, predicted_mean, subject, fold_of))
    result["intensity"], left_out = summarise(sample, UNIT, config, INTENSITY)
    result["left_out"] |= {f"intensity_{name}": reason for name, reason in left_out.items()}
    return result


def _cases(files: Mapping[str, Path]) -> Iterator[tuple[str, str, NDArray, NDArray]]:
    """Fold, case, true and predicted projection of every held-out case."""
    for fold, path in files.items():
        with safe_open(path, framework="np") as stored:
            cases = json.loads(stored.metadata()["cases"])
            truth, estimate = stored.get_slice("pf_true"), stored.get_slice("pf_pred")
            for row, case in enumerate(cases):
                yield fold, case, truth[row], estimate[row]


def _measured(sample: Sample) -> Sample:
    return sample.where(np.isfinite(sample.truth) & np.isfinite(sample.estimate))


def _mean(sample: Sample) -> float:
    if len(sample) == 0:
        raise NotMeasurable("no case has a value")
    return float(sample.estimate.mean())


def _or_nan(metric: Callable[..., float], *arguments: Any) -> float:
    """NaN marks a case without a value in a column that is filtered before any metric sees it."""
    try:
        return metric(*arguments)
    except NotMeasurable:
        return float("nan")
