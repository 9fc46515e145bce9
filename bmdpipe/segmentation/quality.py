"""How good a segmentation is: Dice against a truth, and its estimate from the uncertainty alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class QualityLine:
    """Dice = slope * variance + intercept, fitted on `points` segmentations with known truth.

    `correlation` is Pearson's, `residual` the standard deviation about the line; both are 0 where
    the points do not spread.
    """

    slope: float
    intercept: float
    correlation: float
    residual: float
    points: int

    def dice(self, variance: float) -> float:
        """The predicted Dice, kept inside 0..1."""
        return float(np.clip(self.slope * variance + self.intercept, 0, 1))


def fit_quality(variance: Sequence[float], dice: Sequence[float]) -> QualityLine:
    """The least-squares line from a structure's mean variance to its Dice.

    Variance can only tell of errors, so a rising line (chance, in few points) becomes flat.
    Source: Hiasa 2020 (structure-wise variance predicts Dice).
    """
    v, d = np.asarray(variance, dtype=float), np.asarray(dice, dtype=float)
    if v.size == 0:
        raise ValueError("a line needs at least one point")
    spread = float(((v - v.mean()) ** 2).sum())
    slope = float(((v - v.mean()) * (d - d.mean())).sum()) / spread if spread > 0 else 0.0
    slope = min(slope, 0.0)
    intercept = float(d.mean() - slope * v.mean())
    moves = spread > 0 and d.std() > 0
    correlation = float(np.corrcoef(v, d)[0, 1]) if moves else 0.0
    residual = float(np.std(d - slope * v - intercept))
    return QualityLine(slope, intercept, correlation, residual, int(v.size))


def dice_of(found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    """Dice of two masks; two empty ones agree."""
    total = int(found.sum()) + int(truth.sum())
    return 2 * int((found & truth).sum()) / total if total else 1.0


def mean_variance(variance: NDArray, mask: NDArray[np.bool_]) -> float:
    """The mean variance inside a structure; 0 where it is empty."""
    return float(variance[mask].mean()) if mask.any() else 0.0
