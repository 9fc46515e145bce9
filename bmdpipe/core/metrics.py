"""What a job measured, in a small file that the tracking rule brings into MLflow."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bmdpipe.core.atomic import read_json, write_json

METRICS = "metrics.json"
Scalar = str | int | float | bool


@dataclass(frozen=True)
class Metrics:
    """Parameters, final values and curves of one job.

    `series` maps a name to `(step, value)` points; `artefacts` are files in the job's folder.
    """

    params: Mapping[str, Scalar] = field(default_factory=dict)
    values: Mapping[str, float] = field(default_factory=dict)
    series: Mapping[str, Sequence[tuple[int, float]]] = field(default_factory=dict)
    artefacts: Sequence[str] = ()

    def __post_init__(self) -> None:
        for name, value in self.values.items():
            if not math.isfinite(value):
                raise ValueError(f"metric {name} is {value}; leave out what was not measured")


def write_metrics(folder: Path, metrics: Metrics) -> None:
    write_json(Path(folder) / METRICS, asdict(metrics))


def read_metrics(folder: Path) -> Metrics:
    raw = read_json(Path(folder) / METRICS)
    raw["series"] = {k: [(int(s), float(v)) for s, v in p] for k, p in raw["series"].items()}
    return Metrics(**raw)
