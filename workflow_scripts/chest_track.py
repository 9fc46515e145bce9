"""Bring the study of bone suppression into the MLflow store: suppressors and classifiers."""

from __future__ import annotations

from typing import Any

from bmdpipe.pairs.chest_cases import PRETRAINING
from bmdpipe.report.study_runs import study_runs
from workflow_scripts.chest_classify import SUPPRESSED
from workflow_scripts.chest_evaluate import ORIGINAL
from workflow_scripts.job import Job, run_file
from workflow_scripts.study_track import brought


def chest_tracked(job: Job) -> dict[str, Any]:
    """What was brought where."""
    study = job.keys["study"]
    learnt = study_runs(job.layout, study, [*job.config["suppressors"], PRETRAINING], 1)
    told = study_runs(job.layout, study, [ORIGINAL, SUPPRESSED], job.config["folds"])
    return brought(job, [*learnt, *told])


if __name__ == "__main__":
    run_file("study_track", chest_tracked)
