"""Bring a companion study's parameters and metrics into the MLflow store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bmdpipe.core.atomic import read_json
from bmdpipe.core.config.tracking import TrackingConfig
from bmdpipe.core.files import STUDY_DATA
from bmdpipe.report.study_runs import study_runs
from bmdpipe.report.tracked_runs import TrackedRun
from bmdpipe.report.tracking import track_results
from workflow_scripts.job import Job, run_file


def study_tracked(job: Job) -> dict[str, Any]:
    """What was brought where."""
    study = job.keys["study"]
    return brought(job, study_runs(job.layout, study, job.config["models"], job.config["folds"]))


def brought(job: Job, runs: Sequence[TrackedRun]) -> dict[str, Any]:
    """Bring a study's runs into the store; what was brought where."""
    config = job.section("tracking", TrackingConfig)
    virtual = bool(read_json(job.at("study_data") / STUDY_DATA)["virtual"])
    experiment = f"{job.keys['study']}/{job.layout.cohort}"
    return track_results(runs, experiment, job.layout.root, config, virtual)


if __name__ == "__main__":
    run_file("study_track", study_tracked)
