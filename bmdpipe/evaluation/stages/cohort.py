"""The stages of a virtual cohort against the truth, summed up over its subjects."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from bmdpipe.evaluation.stages import calibration, projection, registration, roi, segmentation
from bmdpipe.evaluation.stages.quantity import Quantity, summarise_quantity
from bmdpipe.evaluation.stages.subject import Measured

QUANTITIES: dict[str, tuple[Quantity, ...]] = {
    "calibrate": calibration.QUANTITIES,
    "segment": segmentation.QUANTITIES,
    "roi": roi.QUANTITIES,
    "register": registration.QUANTITIES,
    "project": projection.QUANTITIES,
}
GROUPED_BY = {"segment": "structure", "register": "body"}
"""The column by whose values a stage is summed up apart, beside the whole."""


def summarise_stages(measured: Iterable[Measured]) -> dict[str, Any]:
    """Per stage: subjects measured and refused, the spread of each quantity, and all rows."""
    stages: dict[str, dict[str, Any]] = {
        stage: {"n_subjects": 0, "quarantined": [], "parts_left_out": [], "rows": []}
        for stage in QUANTITIES
    }
    for item in measured:
        stage = stages[item.stage]
        stage["rows"] += item.rows
        stage["parts_left_out"] += [asdict(part) for part in item.parts]
        if item.refusal is None:
            stage["n_subjects"] += 1
        else:
            stage["quarantined"].append(asdict(item.refusal))
    for name, stage in stages.items():
        rows = stage["rows"]
        stage["summary"] = _summary(rows, QUANTITIES[name])
        if (column := GROUPED_BY.get(name)) is not None:
            stage["by_" + column] = {
                value: _summary([r for r in rows if r[column] == value], QUANTITIES[name])
                for value in sorted({row[column] for row in rows})
            }
    stages["roi"]["target_side"] = _summary(
        [row for row in stages["roi"]["rows"] if row["target"]], QUANTITIES["roi"]
    )
    stages["register"]["counts"] = registration.success_counts(stages["register"]["rows"])
    return stages


def _summary(rows: list[dict[str, Any]], quantities: tuple[Quantity, ...]) -> dict[str, Any]:
    return {q.key: summarise_quantity(rows, q) for q in quantities}
