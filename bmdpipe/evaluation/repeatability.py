"""How much repeated measurements of the same subject differ."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bmdpipe.evaluation.agreement import NotMeasurable


def rms_cv(estimate: ArrayLike, subject: ArrayLike) -> float:
    """Root mean square over subjects of sd / mean, in percent; subjects measured once are left out.

    `estimate` `[n]` and `subject` `[n]` (any labels). Raises NotMeasurable if no subject was
    measured twice or a subject's mean is not positive. Source: Glüer 1995, Osteoporos Int 5:262;
    Gu 2023 §4.2.1.
    """
    values = np.asarray(estimate, dtype=float)
    _, label = np.unique(np.asarray(subject), return_inverse=True)
    count, mean, variance = _moments(values, label)
    repeated = count >= 2
    if not repeated.any():
        raise NotMeasurable("no subject was measured twice")
    if (mean[repeated] <= 0).any():
        raise NotMeasurable("a subject's mean is not positive")
    squared = variance[repeated] / (count[repeated] - 1) / mean[repeated] ** 2
    return float(100.0 * np.sqrt(squared.mean()))


def repeated_subjects(subject: ArrayLike) -> int:
    """How many subjects were measured at least twice."""
    _, count = np.unique(np.asarray(subject), return_counts=True)
    return int((count >= 2).sum())


def _moments(values: NDArray, label: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """Per label: count, mean, sum of squared deviations."""
    count = np.bincount(label)
    mean = np.bincount(label, values) / count
    return count, mean, np.bincount(label, (values - mean[label]) ** 2)
