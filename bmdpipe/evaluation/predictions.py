"""Held-out predictions of one experiment, read from the tables that its folds left."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bmdpipe.core.errors import UsageError
from bmdpipe.evaluation.bootstrap import Sample

UNITS = {"dxa": "g/cm2", "qct": "mg/cm3"}


@dataclass(frozen=True)
class Prediction:
    """One radiograph and one target; BMDs in the target's unit, None where there is none.

    `bmd_projection` is the BMD from the true projection; `flags` say why a prediction is not to be
    trusted, separated by commas, and are empty where nothing does.
    """

    case: str
    subject: str
    positioning: str
    fold: str
    target: str
    bmd_true: float | None
    bmd_pred: float | None
    bmd_projection: float | None
    flags: str


def read_predictions(tables: Iterable[Path]) -> list[Prediction]:
    """The rows of all folds. Raises UsageError if a case is predicted twice for one target, or a
    subject stands in two folds: such a table cannot be held out."""
    rows = [row for table in tables for row in _rows(table)]
    seen: set[tuple[str, str]] = set()
    fold_of: dict[str, str] = {}
    for row in rows:
        key = (row.case, row.target)
        if key in seen:
            raise UsageError(f"case {row.case} is predicted twice for {row.target}")
        seen.add(key)
        if fold_of.setdefault(row.subject, row.fold) != row.fold:
            raise UsageError(f"subject {row.subject} stands in two folds")
    return rows


def sample_of(rows: Iterable[Prediction], value: str = "bmd_pred") -> Sample:
    """True and estimated BMD of the rows that have both; `value` names the estimate's column."""
    kept = [(r, v) for r in rows if r.bmd_true is not None and (v := getattr(r, value)) is not None]
    return Sample(
        truth=np.array([r.bmd_true for r, _ in kept], dtype=float),
        estimate=np.array([v for _, v in kept], dtype=float),
        subject=np.array([r.subject for r, _ in kept], dtype=object).astype(str),
        fold=np.array([r.fold for r, _ in kept], dtype=object).astype(str),
    )


def _rows(table: Path) -> Iterable[Prediction]:
    with Path(table).open(encoding="utf-8", newline="") as stream:
        for raw in csv.DictReader(stream, delimiter="\t"):
            yield Prediction(
                case=raw["case"],
                subject=raw["subject"],
                positioning=raw["positioning"],
                fold=raw["fold"],
                target=raw["target"],
                bmd_true=_number(raw["bmd_true"]),
                bmd_pred=_number(raw["bmd_pred"]),
                bmd_projection=_number(raw["bmd_projection"]),
                flags=raw["flags"].strip(),
            )


def _number(text: str) -> float | None:
    if text.strip().lower() in {"", "nan", "none", "na"}:
        return None
    value = float(text)
    return value if math.isfinite(value) else None
