"""Seconds and memory per stage, from the benchmark files that the workflow leaves."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from bmdpipe.core.layout import STAGES, Layout

AFTER = ("report", "track")
"""What runs when the report is written or later: its files are from an earlier run."""


@dataclass(frozen=True)
class StageTime:
    """Wall-clock seconds over a stage's jobs; `peak_mb` is the largest resident memory of one."""

    stage: str
    jobs: int
    total_s: float
    longest_s: float
    peak_mb: float | None


def stage_times(layout: Layout) -> list[StageTime]:
    """A row per stage that has benchmark files, in the order of the stages."""
    found = ((stage, _files(layout, stage)) for stage in STAGES if stage not in AFTER)
    return [_time(stage, files) for stage, files in found if files]


def seconds_of(path: Path) -> float | None:
    """A job's wall-clock seconds; None where no benchmark file was kept."""
    return _row(path)[0] if path.exists() else None


def _files(layout: Layout, stage: str) -> list[Path]:
    pattern = re.sub(r"\{\w+\}", "*", layout.benchmark(stage))
    base = Path(layout.root) / layout.cohort
    return sorted(base.glob(str(Path(pattern).relative_to(base))))


def _time(stage: str, files: list[Path]) -> StageTime:
    rows = [_row(path) for path in files]
    seconds = [row[0] for row in rows]
    memory = [row[1] for row in rows if row[1] is not None]
    return StageTime(stage, len(rows), sum(seconds), max(seconds), max(memory, default=None))


def _row(path: Path) -> tuple[float, float | None]:
    with path.open(encoding="utf-8", newline="") as stream:
        row = next(csv.DictReader(stream, delimiter="\t"))
    memory = row.get("max_rss", "-")
    return float(row["s"]), None if memory in ("-", "NA", "") else float(memory)
