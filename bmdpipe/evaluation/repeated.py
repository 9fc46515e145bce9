"""Comparison of conditions that the same subjects went through: ANOVA and Tukey's test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from statsmodels.stats.anova import AnovaRM
from statsmodels.stats.multicomp import pairwise_tukeyhsd

from bmdpipe.evaluation.agreement import MINIMUM, NotMeasurable


@dataclass(frozen=True)
class Anova:
    """A one-way repeated-measures analysis of variance; sphericity is assumed."""

    f: float
    numerator_df: float
    denominator_df: float
    p: float
    n_subjects: int


@dataclass(frozen=True)
class Pair:
    """Tukey's comparison of two conditions: mean of `second` minus `first`, and its interval."""

    first: str
    second: str
    difference: float
    ci_low: float
    ci_high: float
    p: float


def repeated_measures_anova(values: NDArray, conditions: Sequence[str]) -> Anova:
    """Whether the mean of `values` `[n subjects, k conditions]` depends on the condition.

    Raises NotMeasurable with fewer than three subjects or two conditions, or if nothing varies
    beyond the subjects' means. Source: statsmodels' AnovaRM; Girden 1992.
    """
    x = np.asarray(values, dtype=float)
    n, k = x.shape
    if n < MINIMUM or k < 2:
        raise NotMeasurable(f"{n} subjects in {k} conditions: {MINIMUM} in 2 are needed")
    rest = x - x.mean(axis=1, keepdims=True) - x.mean(axis=0) + x.mean()
    if np.abs(rest).max() <= 1e-12 * np.abs(x).max():
        raise NotMeasurable("the conditions differ by the same amount in every subject")
    long = pd.DataFrame(
        {
            "subject": np.repeat(np.arange(n), k),
            "condition": np.tile(np.asarray(conditions), n),
            "value": x.ravel(),
        }
    )
    row = AnovaRM(long, "value", "subject", within=["condition"]).fit().anova_table.iloc[0]
    return Anova(
        float(row["F Value"]), float(row["Num DF"]), float(row["Den DF"]), float(row["Pr > F"]), n
    )


def tukey_hsd(groups: Mapping[str, NDArray], confidence: float) -> list[Pair]:
    """Tukey's honestly significant differences between the means of groups `[n_i]`.

    The groups are taken as independent, as the paper does. Raises NotMeasurable unless two groups
    have two values each. Source: Gu 2023 §4.2.3 (the test pose by pose); statsmodels.
    """
    if len(groups) < 2 or min(len(g) for g in groups.values()) < 2:
        raise NotMeasurable("two groups of two values are needed")
    names = list(groups)
    found = pairwise_tukeyhsd(
        np.concatenate([groups[name] for name in names]),
        np.repeat(np.arange(len(names)), [len(groups[name]) for name in names]),
        alpha=1.0 - confidence,
    )
    return [
        Pair(
            names[i],
            names[j],
            float(found.meandiffs[row]),
            float(found.confint[row][0]),
            float(found.confint[row][1]),
            float(found.pvalues[row]),
        )
        for row, (i, j) in enumerate(combinations(range(len(names)), 2))
    ]
