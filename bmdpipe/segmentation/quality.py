"""How good a segmentation is: Dice against a truth, and its estimate from the uncertainty alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class QualityPoint:
    """A segmentation with known truth: its structure's mean variance and Dice; `worsened` says how
    much its CT was made worse (0: not at all)."""

    subject: str
    variance: float
    dice: float
    worsened: float


@dataclass(frozen=True)
class QualityLine:
    """Dice = slope * variance + intercept, fitted on `points` segmentations with known truth.

    `correlation` is Pearson's and `rank_correlation` Spearman's, both 0 where the points do not
    spread; `residual` is the standard deviation about the line. `error` is the mean absolute error
    of the predicted Dice for subjects that the line was not fitted on, each left out in turn; with
    one subject, that of the fit itself.
    """

    slope: float
    intercept: float
    correlation: float
    rank_correlation: float
    residual: float
    error: float
    points: int

    def dice(self, variance: float) -> float:
        """The predicted Dice, kept inside 0..1."""
        return float(np.clip(self.slope * variance + self.intercept, 0, 1))


def fit_quality(points: Sequence[QualityPoint]) -> QualityLine:
    """The least-squares line from a structure's mean variance to its Dice.

    Variance can only tell of errors, so a rising line (chance, in few points) becomes flat.
    Source: Hiasa 2020 (structure-wise variance predicts Dice). Raises ValueError without a point.
    """
    if not points:
        raise ValueError("a line needs at least one point")
    v = np.array([p.variance for p in points])
    d = np.array([p.dice for p in points])
    owners = np.array([p.subject for p in points])
    slope, intercept = _line(v, d)
    moves = v.std() > 0 and d.std() > 0
    off = []
    for subject in np.unique(owners):
        own = owners == subject
        others = own if own.all() else ~own
        left_slope, left_intercept = _line(v[others], d[others])
        off += list(np.abs(np.clip(left_slope * v[own] + left_intercept, 0, 1) - d[own]))
    return QualityLine(
        slope=slope,
        intercept=intercept,
        correlation=float(np.corrcoef(v, d)[0, 1]) if moves else 0.0,
        rank_correlation=float(np.corrcoef(_ranks(v), _ranks(d))[0, 1]) if moves else 0.0,
        residual=float(np.std(d - slope * v - intercept)),
        error=float(np.mean(off)),
        points=len(points),
    )


def _line(v: NDArray[np.float64], d: NDArray[np.float64]) -> tuple[float, float]:
    spread = float(((v - v.mean()) ** 2).sum())
    slope = float(((v - v.mean()) * (d - d.mean())).sum()) / spread if spread > 0 else 0.0
    slope = min(slope, 0.0)
    return slope, float(d.mean() - slope * v.mean())


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks of the values, equal ones sharing their mean."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[inverse]


def dice_of(found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    """Dice of two masks; two empty ones agree."""
    total = int(found.sum()) + int(truth.sum())
    return 2 * int((found & truth).sum()) / total if total else 1.0


def mean_variance(variance: NDArray, mask: NDArray[np.bool_]) -> float:
    """The mean variance inside a structure; 0 where it is empty."""
    return float(variance[mask].mean()) if mask.any() else 0.0
