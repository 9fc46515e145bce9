"""Compare every stage of a virtual cohort with the truth."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from bmdpipe.core.atomic import write_json
from bmdpipe.core.config.evaluation import EvaluationConfig
from bmdpipe.core.files import EVALUATION
from bmdpipe.core.metrics import Metrics
from bmdpipe.evaluation.stages.cohort import summarise_stages
from bmdpipe.evaluation.stages.figure import draw_stages
from bmdpipe.evaluation.stages.subject import Measured, measure_subject
from workflow_scripts.job import Job, Outcome, run_job

PICTURE = "stages.png"


def evaluate_stages(job: Job, out: Path) -> Outcome:
    """Errors of every stage from calibration to projection, subject by subject."""
    config = job.section("evaluation", EvaluationConfig)

    def measured() -> Iterator[Measured]:
        for subject in job.row["subjects"]:
            yield from measure_subject(subject, partial(_at, job, subject), config)

    stages = summarise_stages(measured())
    write_json(
        out / EVALUATION,
        {
            "virtual": True,
            "registration_success_mm": config.registration_success_mm,
            "stages": stages,
        },
    )
    draw_stages(out / PICTURE, stages, config.registration_success_mm)
    return Outcome(Metrics(values=_values(stages), artefacts=(EVALUATION, PICTURE)))


def _at(job: Job, subject: str, stage: str) -> Path:
    return job.at(stage, subject=subject)


def _values(stages: dict[str, Any]) -> dict[str, float]:
    """The flat metrics for tracking: each quantity's median, and the counts."""
    values: dict[str, float] = {}
    for name, stage in stages.items():
        values[f"{name}_subjects"] = stage["n_subjects"]
        values[f"{name}_quarantined"] = len(stage["quarantined"])
        for key, summary in stage["summary"].items():
            if "median" in summary:
                values[f"{name}_{key}_median"] = summary["median"]
    for key, count in stages["register"]["counts"].items():
        values[f"register_{key}"] = count
    return values


if __name__ == "__main__":
    run_job("evaluate_stages", evaluate_stages)
