"""Write the page of the study of CT to BMD."""

from __future__ import annotations

from pathlib import Path

from bmdpipe.core.config.report import ReportConfig
from bmdpipe.report.ct_bmd_page import ct_bmd_page
from workflow_scripts.job import Job, Outcome, run_job
from workflow_scripts.study_report import folders_of, now, written


def ct_bmd_report(job: Job, out: Path) -> Outcome:
    pixels = job.section("report", ReportConfig).cohort_picture_px
    data, labels = job.at("study_data"), job.at("study_segment")
    folders = folders_of(job, dict.fromkeys(job.config["models"], job.config["folds"]))
    return written(ct_bmd_page(folders, data, labels, pixels, now()), out)


if __name__ == "__main__":
    run_job("study_report", ct_bmd_report)
