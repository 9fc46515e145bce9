"""Write the page of the study of bone suppression."""

from __future__ import annotations

from pathlib import Path

from bmdpipe.core.config.report import ReportConfig
from bmdpipe.pairs.chest_cases import PRETRAINING
from bmdpipe.report.chest_page import chest_page
from workflow_scripts.chest_classify import SUPPRESSED
from workflow_scripts.chest_evaluate import ORIGINAL
from workflow_scripts.job import Job, Outcome, run_job
from workflow_scripts.study_report import folders_of, now, written


def chest_report(job: Job, out: Path) -> Outcome:
    config = job.section("report", ReportConfig)
    folds = dict.fromkeys([*job.config["suppressors"], PRETRAINING], 1)
    folds |= dict.fromkeys((ORIGINAL, SUPPRESSED), job.config["folds"])
    return written(chest_page(folders_of(job, folds), config.cohort_picture_px, now()), out)


if __name__ == "__main__":
    run_job("study_report", chest_report)
