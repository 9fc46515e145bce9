"""The paper's tables from the evaluations of their experiments, one row per row and training seed.

A metric stands with its interval over subjects; where a row was trained with several seeds, a line
of their mean and range follows. What cannot be computed is left out and shown as a dash.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

DASH = "–"
Found = Mapping[str, Any] | None
Reader = Callable[[Mapping[str, Any]], Found]


@dataclass(frozen=True)
class Column:
    """A metric of a table: `name` in the TSV, `label` in print, `read` takes it from a result."""

    name: str
    label: str
    digits: int
    read: Reader


@dataclass(frozen=True)
class Entry:
    """One experiment of a row, with what its evaluation found."""

    group: str
    label: str
    seed: int
    result: Mapping[str, Any]


def columns_of(table: str, targets: Sequence[str]) -> list[Column]:
    """The columns of Table 2, or of Table 3 (whose image metrics come first)."""
    if table == "table3":
        return [
            Column("psnr", "PSNR, dB", 2, _image("psnr")),
            Column("dice", "DC", 3, _image("dice")),
            Column("intensity_icc_a1", "intensity ICC(A,1)", 3, _intensity("icc_a1")),
            Column("intensity_pcc", "intensity PCC", 3, _intensity("pcc")),
            *(
                column
                for target in targets
                for column in (_bmd(target) if target == "dxa" else _bmd(target)[:1])
            ),
        ]
    return [column for target in targets for column in _bmd(target)]


def with_true_projections(entries: Sequence[Entry]) -> list[Entry]:
    """The entries and, after each group, the true projections that its rows were fitted on."""
    rows: list[Entry] = []
    for index, entry in enumerate(entries):
        rows.append(entry)
        last = index + 1 == len(entries) or entries[index + 1].group != entry.group
        if last:
            rows += _true_projections([e for e in entries if e.group == entry.group])
    return rows


def table_frame(entries: Sequence[Entry], columns: Sequence[Column]) -> pd.DataFrame:
    """A row per experiment: every metric with `_low` and `_high`, empty where there is none."""
    rows = []
    for entry in entries:
        row: dict[str, Any] = {"group": entry.group, "label": entry.label, "seed": entry.seed}
        for column in columns:
            found = column.read(entry.result) or {}
            row[column.name] = found.get("value")
            row[f"{column.name}_low"] = found.get("ci_low")
            row[f"{column.name}_high"] = found.get("ci_high")
        rows.append(row)
    return pd.DataFrame(rows)


def table_page(frame: pd.DataFrame, columns: Sequence[Column], title: str) -> str:
    """The table as Markdown, with a line over the seeds after rows of more than one."""
    lines = [f"# {title}\n"]
    lines.append("| | method | seed | " + " | ".join(c.label for c in columns) + " |")
    lines.append("|---" * (len(columns) + 3) + "|")
    for (group, label), rows in frame.groupby(["group", "label"], sort=False):
        for _, row in rows.iterrows():
            cells = (_cell(row, column) for column in columns)
            lines.append(f"| {group} | {label} | {row['seed']} | " + " | ".join(cells) + " |")
        if len(rows) > 1:
            cells = (_over_seeds(rows[column.name], column.digits) for column in columns)
            lines.append(f"| {group} | {label} | mean (range) | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _cell(row: pd.Series, column: Column) -> str:
    value = row[column.name]
    if pd.isna(value):
        return DASH
    text = f"{value:.{column.digits}f}"
    low, high = row[f"{column.name}_low"], row[f"{column.name}_high"]
    if pd.isna(low):
        return text
    return f"{text} [{low:.{column.digits}f}, {high:.{column.digits}f}]"


def _over_seeds(values: pd.Series, digits: int) -> str:
    known = values.dropna()
    if known.empty:
        return DASH
    mean, low, high = (f"{v:.{digits}f}" for v in (known.mean(), known.min(), known.max()))
    return f"**{mean}** ({low} to {high})"


def _true_projections(entries: Sequence[Entry]) -> Iterator[Entry]:
    """One row per set of true projections: what two fits agree on is shown once."""
    seen: set[tuple] = set()
    for entry in entries:
        targets = entry.result["targets"]
        truth = {t: {"metrics": found.get("true_projection") or {}} for t, found in targets.items()}
        key = tuple(
            round(metric["value"], 9)
            for found in truth.values()
            for metric in found["metrics"].values()
        )
        if key and key not in seen:
            seen.add(key)
            words = "uncalibrated CT" if "uncalibrated" in entry.label else "QCT"
            yield Entry(
                entry.group, f"true projection from {words}", entry.seed, {"targets": truth}
            )


def _bmd(target: str) -> list[Column]:
    digits = 3 if target == "dxa" else 1
    shown = {"dxa": "DXA", "qct": "QCT"}[target]
    unit = {"dxa": "g/cm2", "qct": "mg/cm3"}[target]
    return [
        Column(f"{target}_{key}", f"{shown} {label}", places, _of_target(target, key))
        for key, label, places in (
            ("pcc", "PCC", 3),
            ("icc_a1", "ICC(A,1)", 3),
            ("mae", f"MAE, {unit}", digits),
            ("see", f"SEE, {unit}", digits),
            ("rms_cv", "RMS-CV, %", 2),
        )
    ]


def _of_target(target: str, key: str) -> Reader:
    return lambda result: result["targets"].get(target, {}).get("metrics", {}).get(key)


def _image(key: str) -> Reader:
    return lambda result: result.get("images", {}).get(key)


def _intensity(key: str) -> Reader:
    return lambda result: result.get("images", {}).get("intensity", {}).get(key)
