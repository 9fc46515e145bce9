"""Prediction intervals for a BMD whose coverage needs no assumption about the errors.

The scores are the absolute errors of held-out cases. A subject's radiographs go together, so each
subject counts once, its radiographs sharing its weight.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bmdpipe.evaluation.agreement import NotMeasurable
from bmdpipe.evaluation.bootstrap import Sample


@dataclass(frozen=True)
class PredictionIntervals:
    """Half-widths `[n]` in the values' unit, infinite where too few subjects calibrate them."""

    half_width: NDArray[np.float64]
    nominal: float
    coverage: float
    coverage_by_subject: NDArray[np.float64]


def half_width(errors: ArrayLike, subject: ArrayLike, nominal: float) -> float:
    """Half-width of an interval that holds a new subject's radiograph with probability `nominal`.

    `errors` `[n]` are absolute errors of calibration cases, `subject` `[n]` their subjects. It is
    infinite with fewer than nominal / (1 - nominal) subjects. Source: Dunn, Wasserman and Ramdas
    2023, J Am Stat Assoc 118:2491 (pooled distribution functions of a two-layer sample); with one
    radiograph a subject it is split conformal, Lei 2018.
    """
    values = np.asarray(errors, dtype=float)
    _, label, count = np.unique(np.asarray(subject), return_inverse=True, return_counts=True)
    weights = 1.0 / count[label] / (len(count) + 1)
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    index = int(np.searchsorted(reached, nominal - 1e-12))
    return float(values[order[index]]) if index < len(values) else float("inf")


def cross_conformal(sample: Sample, nominal: float) -> PredictionIntervals:
    """Intervals for every held-out case, calibrated on the held-out errors of the other folds.

    No subject's own truth enters its interval. Raises NotMeasurable with fewer than two folds.
    Source: Vovk 2015, Ann Math Artif Intell 74:9 (cross-conformal prediction), its form with one
    width per fold.
    """
    folds = np.unique(sample.fold)
    if len(folds) < 2:
        raise NotMeasurable("one fold cannot calibrate another")
    errors = np.abs(sample.estimate - sample.truth)
    widths = np.empty(len(sample))
    for fold in folds:
        others = sample.fold != fold
        widths[~others] = half_width(errors[others], sample.subject[others], nominal)
    covered = errors <= widths
    _, label = np.unique(sample.subject, return_inverse=True)
    by_subject = np.bincount(label, covered) / np.bincount(label)
    return PredictionIntervals(widths, nominal, float(by_subject.mean()), by_subject)
