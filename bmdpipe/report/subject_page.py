"""The page of one subject: its pictures of every stage, its record, its predictions."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bmdpipe.core.codes import MEANING
from bmdpipe.core.files import PREDICTIONS
from bmdpipe.core.metrics import METRICS, read_metrics
from bmdpipe.core.records import Record
from bmdpipe.report.captions import STAGE_CAPTIONS, Caption
from bmdpipe.report.cohort_page import picture_label
from bmdpipe.report.cohort_table import subject_of
from bmdpipe.report.jobs import Run
from bmdpipe.report.pictures import Picture, embed, pictures_in
from bmdpipe.report.templating import render


@dataclass(frozen=True)
class StageOfSubject:
    """A stage on a subject's page."""

    stage: str
    caption: Caption
    record: Record
    values: Mapping[str, float]
    pictures: Sequence[Picture]
    log: str | None
    """The job's log as seen from the page, where there is one."""


def subject_page(
    run: Run,
    subject: str,
    records: Mapping[str, Record],
    predictions: Sequence[Mapping[str, Any]],
    max_width: int,
) -> str:
    """The HTML; `predictions` are the subject's rows."""
    position = run.subjects.index(subject)
    return render(
        "subject.html",
        cohort=run.layout.cohort,
        virtual=run.virtual,
        ct_only=run.ct_only,
        subject=subject,
        facts=subject_of(run, subject),
        refusal=next((r.refusal for r in records.values() if r.refusal), None),
        stages=[_stage(run, subject, record, max_width) for record in records.values()],
        predictions=predictions,
        meaning=MEANING,
        previous=run.subjects[position - 1] if position > 0 else None,
        following=run.subjects[position + 1] if position + 1 < len(run.subjects) else None,
    )


def _stage(run: Run, subject: str, record: Record, max_width: int) -> StageOfSubject:
    folder = run.at(record.stage, subject=subject)
    measured = record.ok and (folder / METRICS).exists()
    return StageOfSubject(
        record.stage,
        STAGE_CAPTIONS[record.stage],
        record,
        read_metrics(folder).values if measured else {},
        [embed(path, max_width, picture_label(record.stage, path)) for path in pictures_in(folder)],
        log=_log(run, subject, record.stage),
    )


def predictions_by_subject(run: Run) -> dict[str, list[dict[str, Any]]]:
    """Every prediction of the run, by subject; `bmd_` columns are numbers or None."""
    found: dict[str, list[dict[str, Any]]] = {}
    for experiment in run.study.experiments:
        for fold in range(run.n_folds):
            table = run.at("predict", experiment=experiment, fold=fold) / PREDICTIONS
            with table.open(encoding="utf-8", newline="") as stream:
                for row in csv.DictReader(stream, delimiter="\t"):
                    values = {key: _number(row[key]) for key in row if key.startswith("bmd_")}
                    entry = {**row, **values, "experiment": experiment}
                    found.setdefault(row["subject"], []).append(entry)
    return found


def _number(text: str) -> float | None:
    return None if text.strip().lower() in ("", "nan", "na", "none") else float(text)


def _log(run: Run, subject: str, stage: str) -> str | None:
    path = Path(run.layout.log(stage).replace("{subject}", subject))
    page = run.at("report") / "subjects"
    return os.path.relpath(path, page) if path.exists() else None
