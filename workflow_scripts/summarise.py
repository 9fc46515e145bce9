"""Bring the run's numbers together in one file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bmdpipe.report.jobs import Run
from bmdpipe.report.provenance import run_manifest
from bmdpipe.report.summary import summarise
from workflow_scripts.job import Job, run_file


def summary(job: Job) -> dict[str, Any]:
    """The summary with the manifest of this checkout."""
    repository = Path(__file__).resolve().parents[1]
    run = Run.of(job.layout, job.config, job.row["subjects"])
    return summarise(run, run_manifest(job.config, repository))


if __name__ == "__main__":
    run_file("summary", summary)
