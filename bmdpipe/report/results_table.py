"""The paper's Table 2 for a run: per target a row per experiment, and the true projection's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bmdpipe.report.numbers import number, unit_text

METHODS = {
    "conventional": "regression from the radiograph's region",
    "decomposition": "mean of the predicted projection",
    "regression": "decomposition, then regression from its encoder",
}
TARGETS = {"dxa": "DXA areal BMD", "qct": "QCT volumetric BMD"}


@dataclass(frozen=True)
class Column:
    """A metric; `best` says which end is better."""

    key: str
    label: str
    best: str
    digits: int | None
    in_unit: bool = False


COLUMNS = (
    Column("pcc", "PCC", "high", 3),
    Column("icc_a1", "ICC(A,1)", "high", 3),
    Column("mae", "MAE", "low", None, in_unit=True),
    Column("see", "SEE", "low", None, in_unit=True),
    Column("rms_cv", "RMS-CV (%)", "low", 2),
)
ARROW = {"high": " ↑", "low": " ↓"}
UNIT_DIGITS = {"g/cm2": 3, "mg/cm3": 1}


@dataclass(frozen=True)
class Cell:
    """A printed metric: value, interval over subjects, and mean ± sd over folds."""

    value: str
    interval: str = ""
    folds: str = ""
    best: bool = False


@dataclass(frozen=True)
class Row:
    name: str
    method: str
    cases: str
    cells: tuple[Cell, ...]
    reference: bool = False


@dataclass(frozen=True)
class ResultsTable:
    """One target's table; `headings` name the metrics with their units."""

    target: str
    title: str
    unit: str
    headings: tuple[str, ...]
    rows: tuple[Row, ...]


def results_tables(experiments: Mapping[str, Any]) -> list[ResultsTable]:
    """A table per target, from a study's part of the summary."""
    targets = dict.fromkeys(t for e in experiments.values() for t in e["targets"])
    return [_table(target, experiments) for target in targets]


def _table(target: str, experiments: Mapping[str, Any]) -> ResultsTable:
    results = {n: e["targets"][target] for n, e in experiments.items() if target in e["targets"]}
    unit = next(iter(results.values()))["unit"]
    all_keys = {key for result in results.values() for key in result["metrics"]}
    columns = [column for column in COLUMNS if column.key in all_keys]
    best = {column.key: _best(column, results) for column in columns}
    rows = [
        Row(
            name,
            METHODS[experiments[name]["method"]],
            _cases(result),
            tuple(_cell(c, result["metrics"], unit, best[c.key]) for c in columns),
        )
        for name, result in results.items()
    ]
    rows += [
        Row(name, method, "", tuple(_cell(c, metrics, unit, None) for c in columns), reference=True)
        for name, method, metrics in _true_projections(results)
    ]
    headings = tuple(
        c.label + (f" ({unit_text(unit)})" if c.in_unit else "") + ARROW[c.best] for c in columns
    )
    return ResultsTable(target, TARGETS.get(target, target), unit_text(unit), headings, tuple(rows))


def _best(column: Column, results: Mapping[str, Any]) -> float | None:
    values = [
        r["metrics"][column.key]["value"] for r in results.values() if column.key in r["metrics"]
    ]
    if len(values) < 2:
        return None
    return max(values) if column.best == "high" else min(values)


def _true_projections(results: Mapping[str, Any]) -> list[tuple[str, str, Any]]:
    """The true projection's metrics, once if they are the same for every experiment."""
    found = {name: result.get("true_projection") or {} for name, result in results.items()}
    found = {name: metrics for name, metrics in found.items() if metrics}
    values = {name: {k: m["value"] for k, m in metrics.items()} for name, metrics in found.items()}
    text = "BMD from the true projection: the most that the projection holds"
    if found and all(value == next(iter(values.values())) for value in values.values()):
        return [("true projection", text, next(iter(found.values())))]
    return [(f"true projection ({name})", text, metrics) for name, metrics in found.items()]


def _cases(result: Mapping[str, Any]) -> str:
    return f"{result['n_cases']} radiographs of {result['n_subjects']} subjects"


def _cell(column: Column, metrics: Mapping[str, Any], unit: str, best: float | None) -> Cell:
    entry = metrics.get(column.key)
    if entry is None:
        return Cell("–")
    digits = UNIT_DIGITS.get(unit) if column.in_unit else column.digits
    interval = folds = ""
    if "ci_low" in entry:
        interval = f"[{number(entry['ci_low'], digits)}, {number(entry['ci_high'], digits)}]"
    if "fold_mean" in entry and "fold_sd" in entry:
        folds = f"{number(entry['fold_mean'], digits)} ± {number(entry['fold_sd'], digits)}"
    value = entry["value"]
    return Cell(number(value, digits), interval, folds, best is not None and value == best)
