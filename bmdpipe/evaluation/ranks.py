"""Ranks, and the area under a ROC curve that follows from them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def mid_ranks(values: NDArray) -> NDArray[np.float64]:
    """Ranks from 1 on of values `[n]`; equal ones share the mean of theirs."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return (last - (count - 1) / 2.0)[place]


def area_under_roc(positive: NDArray[np.bool_], score: NDArray) -> float:
    """The share of pairs of a positive and a negative case that a score `[n]` ranks right, ties as
    half (Mann-Whitney). Both must be there."""
    n, m = int(positive.sum()), int((~positive).sum())
    return float((mid_ranks(score)[positive].sum() - n * (n + 1) / 2) / (n * m))
