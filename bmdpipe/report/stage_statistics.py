"""What the per-subject stages measured, over the cohort's subjects."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bmdpipe.core.codes import MEANING
from bmdpipe.core.labels import BODY_WORDS
from bmdpipe.core.metrics import METRICS, read_metrics
from bmdpipe.core.records import Record
from bmdpipe.report.jobs import Run


@dataclass(frozen=True)
class Measured:
    """A metric over subjects, with the subjects at both ends."""

    name: str
    n: int
    mean: float
    median: float
    sd: float | None
    low: float
    low_subject: str
    high: float
    high_subject: str


@dataclass(frozen=True)
class WarningCount:
    code: str
    meaning: str
    subjects: tuple[str, ...]


def values_by_subject(run: Run, stage: str) -> dict[str, dict[str, float]]:
    """Metric to subject to value, for the subjects that have it."""
    found: dict[str, dict[str, float]] = {}
    for subject in run.subjects:
        folder = run.at(stage, subject=subject)
        if (folder / METRICS).exists():
            for name, value in read_metrics(folder).values.items():
                found.setdefault(name, {})[subject] = value
    return found


def measured(values: Mapping[str, Mapping[str, float]]) -> list[Measured]:
    """A row per metric of `values_by_subject`."""
    return [_measured(name, by_subject) for name, by_subject in values.items()]


def _measured(name: str, by_subject: Mapping[str, float]) -> Measured:
    numbers = list(by_subject.values())
    low, high = (
        min(by_subject, key=by_subject.__getitem__),
        max(by_subject, key=by_subject.__getitem__),
    )
    return Measured(
        name=name,
        n=len(numbers),
        mean=statistics.fmean(numbers),
        median=statistics.median(numbers),
        sd=statistics.stdev(numbers) if len(numbers) > 1 else None,
        low=by_subject[low],
        low_subject=low,
        high=by_subject[high],
        high_subject=high,
    )


def warning_counts(records: Mapping[str, Mapping[str, Record]], stage: str) -> list[WarningCount]:
    """The warnings of a stage with the subjects that have them; `records` by subject and stage."""
    counted: dict[str, Counter[str]] = {}
    for subject, by_stage in records.items():
        for warning in by_stage[stage].warnings:
            counted.setdefault(warning.code, Counter())[subject] += 1
    return [WarningCount(code, MEANING[code], tuple(who)) for code, who in sorted(counted.items())]


@dataclass(frozen=True)
class StageError:
    """A quantity of a stage against the truth: median, quartiles and worst subject."""

    stage: str
    quantity: Mapping[str, Any]


def stage_errors(evaluation: Mapping[str, Any] | None) -> list[StageError]:
    """The quantities in the evaluation of the stages; of each stage the whole, then its groups."""
    found = sorted(_quantities(evaluation or {}, ()), key=lambda item: (item[0][:1], len(item[0])))
    return [StageError(", ".join(map(_words, path)), quantity) for path, quantity in found]


def _words(name: str) -> str:
    return BODY_WORDS.get(name, name.replace("_", " "))


def _quantities(
    node: Any, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    if not isinstance(node, Mapping):
        return
    if "label" in node and "n" in node:
        names = (part for part in path[:-1] if part not in ("stages", "summary"))
        yield tuple(part for part in names if not part.startswith("by_")), node
        return
    for key, inner in node.items():
        yield from _quantities(inner, (*path, key))
