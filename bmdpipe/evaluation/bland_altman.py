"""Bland-Altman limits of agreement and the subjects that lie outside them as a whole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bmdpipe.evaluation.agreement import NotMeasurable

Z = 1.96


@dataclass(frozen=True)
class BlandAltman:
    """Differences are estimate minus truth, in the values' unit.

    `slope` is that of the differences over the means of both: it is negative where low values are
    overestimated and high ones underestimated.
    `case_level_outliers` are subjects all of whose points lie beyond the same limit.
    """

    bias: float
    sd: float
    lower: float
    upper: float
    slope: float | None
    outliers: int
    case_level_outliers: tuple[str, ...]


def bland_altman(truth: ArrayLike, estimate: ArrayLike, subject: ArrayLike) -> BlandAltman:
    """Limits of agreement, mean +- 1.96 SD over all points.

    Raises NotMeasurable with fewer than three points. Source: Gu 2023 §4.2.6, Fig. 9.
    """
    a, b = np.asarray(truth, dtype=float), np.asarray(estimate, dtype=float)
    names = np.asarray(subject).astype(str)
    mean, lower, upper = limits(b - a)
    difference, middle = b - a, (a + b) / 2
    above, below = difference > upper, difference < lower
    whole = [
        str(name)
        for name in np.unique(names)
        if above[names == name].all() or below[names == name].all()
    ]
    spread = middle - middle.mean()
    slope = float(spread @ difference / (spread @ spread)) if spread.any() else None
    sd = (upper - lower) / (2 * Z)
    return BlandAltman(mean, sd, lower, upper, slope, int(above.sum() + below.sum()), tuple(whole))


def limits(difference: NDArray) -> tuple[float, float, float]:
    """Mean, lower and upper limit of agreement of differences `[n]`."""
    if len(difference) < 3:
        raise NotMeasurable(f"{len(difference)} cases, 3 are needed")
    mean, sd = float(np.mean(difference)), float(np.std(difference, ddof=1))
    return mean, mean - Z * sd, mean + Z * sd
