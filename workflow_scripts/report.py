"""Write the cohort's HTML page and one per subject."""

from __future__ import annotations

import datetime
from pathlib import Path

from bmdpipe.core.atomic import read_json
from bmdpipe.core.config.report import ReportConfig
from bmdpipe.core.metrics import Metrics
from bmdpipe.report.jobs import Run
from bmdpipe.report.pages import INDEX, write_pages
from workflow_scripts.job import Job, Outcome, run_job


def report(job: Job, out: Path) -> Outcome:
    """The pages from the summary and the stages' pictures."""
    config = job.section("report", ReportConfig)
    run = Run.of(job.layout, job.config, job.row["subjects"])
    summary = read_json(Path(job.layout.summary))
    today = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    names = write_pages(run, summary, config, out, today, job.threads)
    size = sum((out / name).stat().st_size for name in names)
    return Outcome(
        Metrics(values={"pages": len(names), "megabytes": size / 1e6}, artefacts=(INDEX,))
    )


if __name__ == "__main__":
    run_job("report", report)
