"""Write the page of the study of bone suppression."""

from __future__ import annotations

import datetime
from pathlib import Path

from bmdpipe.core.config.report import ReportConfig
from bmdpipe.core.metrics import Metrics
from bmdpipe.pairs.chest_cases import PRETRAINING
from bmdpipe.report.chest_page import chest_page
from bmdpipe.report.study_page import StudyFolders
from workflow_scripts.chest_classify import SUPPRESSED
from workflow_scripts.chest_evaluate import ORIGINAL
from workflow_scripts.job import Job, Outcome, run_job
from workflow_scripts.study_report import INDEX


def chest_report(job: Job, out: Path) -> Outcome:
    config = job.section("report", ReportConfig)
    folds = dict.fromkeys([*job.config["suppressors"], PRETRAINING], 1)
    folds |= dict.fromkeys((ORIGINAL, SUPPRESSED), job.config["folds"])
    training = {
        model: [job.at("study_train", model=model, fold=fold) for fold in range(count)]
        for model, count in folds.items()
    }
    folders = StudyFolders(job.at("study_evaluate"), job.at("study_explain"), training)
    today = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    page = chest_page(folders, config.cohort_picture_px, today)
    (out / INDEX).write_text(page, encoding="utf-8")
    return Outcome(Metrics(values={"megabytes": len(page) / 1e6}, artefacts=(INDEX,)))


if __name__ == "__main__":
    run_job("study_report", chest_report)
