"""Write a companion study's page."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path

from bmdpipe.core.config.report import ReportConfig
from bmdpipe.core.metrics import Metrics
from bmdpipe.report.study_page import StudyFolders, study_page
from workflow_scripts.job import Job, Outcome, run_job

INDEX = "index.html"


def study_report(job: Job, out: Path) -> Outcome:
    config = job.section("report", ReportConfig)
    folders = folders_of(job, dict.fromkeys(job.config["models"], job.config["folds"]))
    return written(study_page(job.keys["study"], folders, config.cohort_picture_px, now()), out)


def folders_of(job: Job, folds: Mapping[str, int]) -> StudyFolders:
    """Where the study's results lie, given each model's number of folds."""
    training = {
        model: [job.at("study_train", model=model, fold=fold) for fold in range(count)]
        for model, count in folds.items()
    }
    return StudyFolders(job.at("study_evaluate"), job.at("study_explain"), training)


def now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")


def written(page: str, out: Path) -> Outcome:
    (out / INDEX).write_text(page, encoding="utf-8")
    return Outcome(Metrics(values={"megabytes": len(page) / 1e6}, artefacts=(INDEX,)))


if __name__ == "__main__":
    run_job("study_report", study_report)
