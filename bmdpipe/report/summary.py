"""The run's numbers in one machine-readable place; the report and the tracking read them here."""

from __future__ import annotations

from typing import Any

from bmdpipe.core.atomic import read_json
from bmdpipe.core.files import EVALUATION
from bmdpipe.report.cases import quarantined
from bmdpipe.report.cohort_table import cohort_table
from bmdpipe.report.jobs import Run

STUDY = "hip_bmd"
PER_TARGET = (
    "unit",
    "n_cases",
    "n_subjects",
    "n_without_value",
    "metrics",
    "true_projection",
    "by_positioning",
    "between_positionings",
    "bland_altman",
    "diagnosis",
    "intervals",
    "n_flagged",
    "left_out",
    "true_projection_left_out",
)


def summarise(run: Run, manifest: dict[str, Any]) -> dict[str, Any]:
    """The summary of a run; metrics stand as the evaluations wrote them."""
    stages = run.at("evaluate_stages") / EVALUATION
    return {
        "cohort": run.layout.cohort,
        "virtual": run.virtual,
        "manifest": manifest,
        "subjects": cohort_table(run),
        "quarantined": quarantined(run),
        "studies": {
            STUDY: {"experiments": {name: _experiment(run, name) for name in run.study.experiments}}
        },
        "stages": read_json(stages) if run.virtual else None,
    }


def _experiment(run: Run, name: str) -> dict[str, Any]:
    evaluation = read_json(run.at("evaluate", experiment=name) / EVALUATION)
    plan = run.study.experiments[name]
    return {
        **plan.model_dump(mode="json"),
        "targets": {
            target: {key: result[key] for key in PER_TARGET if key in result}
            for target, result in evaluation["targets"].items()
        },
        "images": evaluation.get("images", {}),
    }
