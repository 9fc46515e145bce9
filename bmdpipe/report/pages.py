"""All pages of a cohort's report."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bmdpipe.core.config.report import ReportConfig
from bmdpipe.report.cases import records_of
from bmdpipe.report.cohort_page import cohort_page
from bmdpipe.report.jobs import Run
from bmdpipe.report.subject_page import predictions_by_subject, subject_page

INDEX = "index.html"
SUBJECT_PAGE = "subjects/{subject}.html"


def write_pages(
    run: Run, summary: dict[str, Any], config: ReportConfig, out: Path, written: str, threads: int
) -> list[str]:
    """Write the cohort's page and one per subject into a folder; returns their names."""
    records = {subject: records_of(run, subject) for subject in run.subjects}
    predictions = predictions_by_subject(run)
    page = cohort_page(run, summary, config, records, written)
    (out / INDEX).write_text(page, encoding="utf-8")
    (out / SUBJECT_PAGE).parent.mkdir()

    def write_subject(subject: str) -> str:
        name = SUBJECT_PAGE.format(subject=subject)
        width = config.subject_picture_px
        own = predictions.get(subject, [])
        html = subject_page(run, subject, records[subject], own, width)
        (out / name).write_text(html, encoding="utf-8")
        return name

    with ThreadPoolExecutor(max_workers=threads) as pool:
        return [INDEX, *pool.map(write_subject, run.subjects)]
