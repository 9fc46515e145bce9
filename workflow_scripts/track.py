"""Bring every job's parameters and metrics into the MLflow store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bmdpipe.core.atomic import read_json
from bmdpipe.core.config.tracking import TrackingConfig
from bmdpipe.report.jobs import Run
from bmdpipe.report.summary import STUDY
from bmdpipe.report.tracked_runs import tracked_runs
from bmdpipe.report.tracking import track_results
from workflow_scripts.job import Job, run_file


def tracked(job: Job) -> dict[str, Any]:
    """What was brought where."""
    config = job.section("tracking", TrackingConfig)
    run = Run.of(job.layout, job.config, job.row["subjects"])
    runs = tracked_runs(run, read_json(Path(job.layout.summary)))
    return track_results(runs, f"{STUDY}/{job.layout.cohort}", job.layout.root, config, run.virtual)


if __name__ == "__main__":
    run_file("track", tracked)
