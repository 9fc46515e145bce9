"""Two ways to tell the same cases apart: is one better? For the AUC and for the decisions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, norm

from bmdpipe.evaluation.agreement import NotMeasurable
from bmdpipe.evaluation.ranks import mid_ranks


@dataclass(frozen=True)
class DeLong:
    """AUCs of the first and the second method, the standard error of their difference, and the
    two-sided p of no difference."""

    first: float
    second: float
    error: float
    p: float


def delong(truth: NDArray, first: NDArray, second: NDArray) -> DeLong:
    """Two scores `[n]` of the same cases against classes 0 and 1 `[n]`.

    Source: DeLong 1988; the structural components by ranks after Sun and Xu 2014. Raises
    NotMeasurable if a class has fewer than two cases or the scores rank all pairs alike.
    """
    positive = np.asarray(truth) == 1
    m, n = int(positive.sum()), int((~positive).sum())
    if min(m, n) < 2:
        raise NotMeasurable("a class has fewer than two cases")
    aucs, of_positive, of_negative = [], [], []
    for score in (np.asarray(first, float), np.asarray(second, float)):
        rank = mid_ranks(score)
        of_positive.append((rank[positive] - mid_ranks(score[positive])) / n)
        of_negative.append(1.0 - (rank[~positive] - mid_ranks(score[~positive])) / m)
        aucs.append(float(of_positive[-1].mean()))
    covariance = np.cov(of_positive) / m + np.cov(of_negative) / n
    variance = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    if variance <= 1e-15:
        raise NotMeasurable("both scores rank the cases alike")
    error = float(np.sqrt(variance))
    p = 2.0 * float(norm.sf(abs(aucs[1] - aucs[0]) / error))
    return DeLong(aucs[0], aucs[1], error, p)


@dataclass(frozen=True)
class McNemar:
    """Cases that only the first, and only the second method tells right, and the exact two-sided p
    of both being as likely."""

    only_first: int
    only_second: int
    p: float


def mcnemar(right_first: NDArray[np.bool_], right_second: NDArray[np.bool_]) -> McNemar:
    """Source: McNemar 1947, in its exact binomial form."""
    b = int((right_first & ~right_second).sum())
    c = int((~right_first & right_second).sum())
    return McNemar(b, c, float(binomtest(b, b + c, 0.5).pvalue) if b + c else 1.0)
