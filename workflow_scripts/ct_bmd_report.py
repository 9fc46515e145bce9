"""Write the page of the study of CT to BMD."""

from __future__ import annotations

import datetime
from pathlib import Path

from bmdpipe.core.config.report import ReportConfig
from bmdpipe.core.metrics import Metrics
from bmdpipe.report.ct_bmd_page import ct_bmd_page
from bmdpipe.report.study_page import StudyFolders
from workflow_scripts.job import Job, Outcome, run_job
from workflow_scripts.study_report import INDEX


def ct_bmd_report(job: Job, out: Path) -> Outcome:
    config = job.section("report", ReportConfig)
    folders = StudyFolders(
        job.at("study_evaluate"),
        job.at("study_explain"),
        {
            model: [
                job.at("study_train", model=model, fold=fold) for fold in range(job.config["folds"])
            ]
            for model in job.config["models"]
        },
    )
    today = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    page = ct_bmd_page(
        folders, job.at("study_data"), job.at("study_segment"), config.cohort_picture_px, today
    )
    (out / INDEX).write_text(page, encoding="utf-8")
    return Outcome(Metrics(values={"megabytes": len(page) / 1e6}, artefacts=(INDEX,)))


if __name__ == "__main__":
    run_job("study_report", ct_bmd_report)
