"""Bootstrap intervals over subjects: radiographs of one subject are drawn together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from bmdpipe.evaluation.agreement import NotMeasurable

USABLE = 0.9
"""Share of draws in which a metric must have a value for its interval to be given."""


@dataclass(frozen=True)
class Sample:
    """True and estimated values `[n]` in one unit; `subject` and `fold` are labels `[n]`."""

    truth: NDArray[np.float64]
    estimate: NDArray[np.float64]
    subject: NDArray
    fold: NDArray

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def n_subjects(self) -> int:
        return len(np.unique(self.subject))

    def where(self, mask: NDArray[np.bool_]) -> Sample:
        """The rows of a mask."""
        return Sample(self.truth[mask], self.estimate[mask], self.subject[mask], self.fold[mask])


Statistic = Callable[[Sample], float]


@dataclass(frozen=True)
class Interval:
    low: float
    high: float


def intervals(
    sample: Sample,
    statistics: Mapping[str, Statistic],
    draws: int,
    confidence: float,
    random: Generator,
) -> dict[str, Interval]:
    """Percentile intervals by name; a statistic without a value in too many draws has none.

    A subject that is drawn twice counts as two subjects. Source: Davison and Hinkley 1997, §3.8
    (clusters resampled whole); Efron 1979.
    """
    names, label = np.unique(sample.subject, return_inverse=True)
    if len(names) < 3:
        return {}
    order = np.argsort(label, kind="stable")
    rows = np.split(order, np.cumsum(np.bincount(label))[:-1])
    values: dict[str, list[float]] = {name: [] for name in statistics}
    for _ in range(draws):
        chosen = random.integers(len(names), size=len(names))
        picked = [rows[c] for c in chosen]
        index = np.concatenate(picked)
        drawn = Sample(
            sample.truth[index],
            sample.estimate[index],
            np.repeat(np.arange(len(chosen)), [len(p) for p in picked]),
            sample.fold[index],
        )
        for name, statistic in statistics.items():
            try:
                values[name].append(statistic(drawn))
            except NotMeasurable:
                continue
    tail = (1.0 - confidence) / 2.0
    result = {}
    for name, found in values.items():
        if len(found) >= USABLE * draws:
            low, high = np.quantile(found, [tail, 1.0 - tail])
            result[name] = Interval(float(low), float(high))
    return result
