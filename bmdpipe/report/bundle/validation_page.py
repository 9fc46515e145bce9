"""What an external validation leaves: a page, figures, every prediction, the numbers as JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bmdpipe.core.atomic import write_json, write_text
from bmdpipe.core.config.evaluation import EvaluationConfig
from bmdpipe.core.files import EVALUATION, PREDICTIONS
from bmdpipe.evaluation.experiment import draw_target
from bmdpipe.report.bundle.files import Bundle
from bmdpipe.report.bundle.validate import Validation
from bmdpipe.report.numbers import unit_text
from bmdpipe.report.results_table import TARGETS, UNIT_DIGITS
from bmdpipe.report.templating import render
from bmdpipe.report.tracked_runs import TrackedRun, metrics_of_targets

PAGE = "VALIDATION.md"
TEMPLATE = "validation.md"
COLUMNS = ("case", "subject", "positioning", "target", "bmd_true", "bmd_pred", "flags")
COMPARED = (
    ("pcc", "PCC", 3),
    ("mae", "MAE", None),
    ("bias", "bias", None),
    ("rms_cv", "RMS-CV, %", 2),
)


def write_validation(
    folder: Path,
    bundle: Bundle,
    found: Validation,
    targets: Mapping[str, Any],
    config: EvaluationConfig,
) -> None:
    """Write page, figures, predictions.tsv and evaluation.json into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {}
    for target, result in targets.items():
        rows = [row for row in found.rows if row.target == target]
        pictures[target] = draw_target(folder, rows, target, result, found.virtual)
    write_text(folder / PREDICTIONS, _table(found))
    record = {
        "bundle": {"experiment": bundle.experiment, "provenance": dict(bundle.provenance)},
        "cohort": found.cohort,
        "virtual": found.virtual,
        "confidence": config.confidence,
        "targets": dict(targets),
        "refused": [{"case": error.case, "code": error.code} for error in found.refused],
    }
    write_json(folder / EVALUATION, record)
    page = render(
        TEMPLATE,
        bundle=bundle,
        found=found,
        confidence=config.confidence,
        targets=[_shown(name, result, pictures[name]) for name, result in targets.items()],
    )
    write_text(folder / PAGE, page + "\n")


def tracked_validation(
    folder: Path, bundle: Bundle, found: Validation, targets: Mapping[str, Any]
) -> TrackedRun:
    """The run that the tracking store shows, to compare bundles on one cohort."""
    name = f"{bundle.experiment} of {bundle.provenance['cohort']}"
    values = metrics_of_targets(targets)
    for target, result in targets.items():
        if result["drop"] is not None:
            values[f"{target}_pcc_drop"] = result["drop"]
        if result["interval"] is not None and "coverage" in result["interval"]:
            values[f"{target}_interval_coverage"] = result["interval"]["coverage"]["value"]
    return TrackedRun(
        key=f"validation-{name}",
        name=name,
        params={
            "cohort": found.cohort,
            "bundle": name,
            "bundle.commit": bundle.provenance["commit"],
            "backbone": bundle.provenance["backbone"],
        },
        values=values,
        files=tuple(sorted(folder.glob("*.png"))),
        tags={"stage": "validation"},
    )


def _table(found: Validation) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(
        stream, COLUMNS, delimiter="\t", lineterminator="\n", extrasaction="ignore"
    )
    writer.writeheader()
    writer.writerows(asdict(row) for row in found.rows)
    return stream.getvalue()


def _shown(name: str, result: Mapping[str, Any], pictures: list[str]) -> dict[str, Any]:
    digits = UNIT_DIGITS[result["unit"]]
    groups = ("held_out", "metrics", "trusted")
    return {
        "title": TARGETS.get(name, name),
        "unit": unit_text(result["unit"]),
        "digits": digits,
        "result": result,
        "pictures": pictures,
        "rows": [
            {
                "label": label,
                "digits": digits if places is None else places,
                "cells": [result[group].get(key) for group in groups],
            }
            for key, label, places in COMPARED
        ],
    }
