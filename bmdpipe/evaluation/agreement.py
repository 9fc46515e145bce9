"""Agreement between true and estimated values of the same cases.

Every function takes two arrays `[n]` in one unit and raises `NotMeasurable` where the metric has no
value: fewer than three cases, or nothing varies.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

MINIMUM = 3
Icc = Literal["1,1", "A,1", "C,1"]


class NotMeasurable(Exception):
    """A metric that has no value for these cases; the text says why."""


def pcc(truth: ArrayLike, estimate: ArrayLike) -> float:
    """Pearson correlation coefficient."""
    a, b = _columns(truth, estimate)
    a, b = _centred(a, "true"), _centred(b, "estimated")
    return float(np.clip(a @ b / np.sqrt((a @ a) * (b @ b)), -1.0, 1.0))


def icc_a1(truth: ArrayLike, estimate: ArrayLike) -> float:
    """ICC(A,1): two-way, absolute agreement, single measurement; ICC(2,1) of Shrout and Fleiss."""
    return icc(np.column_stack(_columns(truth, estimate)), "A,1")


def icc_c1(truth: ArrayLike, estimate: ArrayLike) -> float:
    """ICC(C,1): two-way, consistency, single measurement; ICC(3,1) of Shrout and Fleiss."""
    return icc(np.column_stack(_columns(truth, estimate)), "C,1")


def icc(ratings: NDArray, kind: Icc) -> float:
    """Intraclass correlation coefficient of ratings `[n cases, k raters]` from the two-way ANOVA.

    "1,1" is the one-way coefficient ICC(1,1). Source: McGraw and Wong 1996, Table 4; Shrout and
    Fleiss 1979.
    """
    x = np.asarray(ratings, dtype=float)
    n, k = x.shape
    if n < MINIMUM:
        raise NotMeasurable(f"{n} cases, {MINIMUM} are needed")
    if not _varies(x):
        raise NotMeasurable("all values are equal")
    rows, columns, grand = x.mean(axis=1), x.mean(axis=0), x.mean()
    ss_rows = k * np.sum((rows - grand) ** 2)
    ss_columns = n * np.sum((columns - grand) ** 2)
    ss_error = np.sum((x - rows[:, None] - columns + grand) ** 2)
    ms_rows, ms_columns = ss_rows / (n - 1), ss_columns / (k - 1)
    ms_error = ss_error / ((n - 1) * (k - 1))
    ms_within = (ss_columns + ss_error) / (n * (k - 1))
    noise, between = {
        "1,1": (ms_within, (k - 1) * ms_within),
        "A,1": (ms_error, (k - 1) * ms_error + k * (ms_columns - ms_error) / n),
        "C,1": (ms_error, (k - 1) * ms_error),
    }[kind]
    scale = ms_rows + between
    if scale <= 1e-12 * max(ms_rows, ms_columns):
        raise NotMeasurable("the values do not differ between cases")
    return float((ms_rows - noise) / scale)


def mae(truth: ArrayLike, estimate: ArrayLike) -> float:
    """Mean absolute error, in the unit of the values."""
    a, b = _columns(truth, estimate)
    return float(np.mean(np.abs(b - a)))


def see(truth: ArrayLike, estimate: ArrayLike) -> float:
    """Standard error of estimate, in the unit of the values: the residual of the estimate as it is,
    sqrt(sum (estimate - truth)^2 / (n - 2)), with no line fitted anew.

    Source: Gu 2023 Table 2: 0.117 at a PCC of 0.667 and an SD of 0.151 exceeds the residual of a
    line fitted to the test cases (0.113), so that the paper's SEE is taken about the identity.
    """
    a, b = _columns(truth, estimate)
    return float(np.sqrt(np.sum((b - a) ** 2) / (len(a) - 2)))


def bias(truth: ArrayLike, estimate: ArrayLike) -> float:
    """Mean of estimate minus truth."""
    a, b = _columns(truth, estimate)
    return float(np.mean(b - a))


def _columns(truth: ArrayLike, estimate: ArrayLike) -> tuple[NDArray, NDArray]:
    a, b = np.asarray(truth, dtype=float), np.asarray(estimate, dtype=float)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"two columns of one length are needed, not {a.shape} and {b.shape}")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("values must be finite")
    if len(a) < MINIMUM:
        raise NotMeasurable(f"{len(a)} cases, {MINIMUM} are needed")
    return a, b


def _centred(values: NDArray, name: str) -> NDArray:
    if not _varies(values):
        raise NotMeasurable(f"the {name} values are all equal")
    return values - values.mean()


def _varies(values: NDArray) -> bool:
    """Whether values differ by more than rounding."""
    return bool(np.ptp(values) > 1e-12 * np.max(np.abs(values)))
