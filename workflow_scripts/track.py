"""Bring every job's parameters and metrics into the MLflow store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bmdpipe.core.atomic import read_json
from bmdpipe.core.config.tracking import TrackingConfig
from bmdpipe.report.jobs import Run
from bmdpipe.report.summary import STUDY
from bmdpipe.report.tracked_runs import tracked_runs
from bmdpipe.report.tracking import artefact_location, default_uri, track
from workflow_scripts.job import Job, run_file

RESEARCH = "For research only: not a medical device, not for diagnosis or treatment."
NOTES = {
    True: f"Virtual subjects, no patients: the results are no clinical evidence. {RESEARCH}",
    False: RESEARCH,
}


def tracked(job: Job) -> dict[str, Any]:
    """What was brought where."""
    config = job.section("tracking", TrackingConfig)
    root = job.layout.root
    run = Run.of(job.layout, job.config, job.row["subjects"])
    runs = tracked_runs(run, read_json(Path(job.layout.summary)))
    experiment = f"{STUDY}/{job.layout.cohort}"
    uri = config.uri or default_uri(root)
    location = None if config.uri else artefact_location(root)
    done = track(runs, experiment, uri, location, config.artefacts, NOTES[run.virtual])
    return {"uri": uri, "experiment": experiment, "runs": done}


if __name__ == "__main__":
    run_file("track", tracked)
