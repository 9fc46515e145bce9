"""The page of a cohort: what came out, how to check it, and what made it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bmdpipe.core.config.report import ReportConfig
from bmdpipe.core.files import AUGMENTATION_SHEET, QC
from bmdpipe.core.metrics import read_metrics
from bmdpipe.core.records import Record
from bmdpipe.report import captions
from bmdpipe.report.captions import Caption, FigureCaption, figure_caption
from bmdpipe.report.cohort_table import subject_of
from bmdpipe.report.curves import training_curves
from bmdpipe.report.jobs import Run
from bmdpipe.report.methods import methods_paragraph
from bmdpipe.report.pictures import Picture, embed, pictures_in
from bmdpipe.report.results_table import METHODS, results_tables
from bmdpipe.report.stage_statistics import (
    Measured,
    WarningCount,
    measured,
    stage_errors,
    values_by_subject,
    warning_counts,
)
from bmdpipe.report.summary import STUDY
from bmdpipe.report.templating import render
from bmdpipe.report.timing import stage_times

PICTURES_PER_EXAMPLE = 4


@dataclass(frozen=True)
class StageSection:
    """A per-subject stage on the cohort's page."""

    stage: str
    caption: Caption
    used: int
    measured: Sequence[Measured]
    warnings: Sequence[WarningCount]
    pictures: Sequence[Picture]

    @property
    def size(self) -> str:
        """How wide the pictures stand: upright ones, such as overlays, four in a row."""
        upright = all(picture.width < 1.3 * picture.height for picture in self.pictures)
        return "quarter" if upright else "half"


@dataclass(frozen=True)
class FigureGroup:
    """The figures of one kind of one experiment, a picture per target."""

    caption: FigureCaption
    pictures: Sequence[Picture]


Records = Mapping[str, Mapping[str, Record]]


def cohort_page(
    run: Run, summary: dict[str, Any], config: ReportConfig, records: Records, written: str
) -> str:
    """The HTML; `records` by subject and stage, `written` is the date to print."""
    experiments = summary["studies"][STUDY]["experiments"]
    width = config.cohort_picture_px
    augmentation = run.at("pairs") / AUGMENTATION_SHEET
    return render(
        "cohort.html",
        summary=summary,
        written=written,
        ct_only=run.ct_only,
        n_folds=run.n_folds,
        tables=results_tables(experiments),
        experiments=experiments,
        methods=METHODS,
        figures={name: _figures(run, name, width) for name in experiments},
        attention={name: _attention(run, name, width) for name in experiments},
        stages=[_section(run, stage, config, records) for stage in run.preparation],
        stage_errors=stage_errors(summary["stages"]),
        stage_pictures=[
            embed(path, width, path.stem) for path in pictures_in(run.at("evaluate_stages"))
        ],
        subjects=[_subject_row(run, subject, records[subject]) for subject in run.subjects],
        pairs=[embed(augmentation, width, "augmentation sheet")] if augmentation.exists() else [],
        curves=training_curves(run),
        times=stage_times(run.layout),
        paragraph=methods_paragraph(run, summary),
        captions=captions,
    )


def _section(run: Run, stage: str, config: ReportConfig, records: Records) -> StageSection:
    used = [subject for subject in run.subjects if records[subject][stage].ok]
    pictures = [
        embed(
            path,
            config.cohort_picture_px,
            f"{subject}, {picture_label(stage, path)}",
            f"subjects/{subject}.html",
        )
        for subject in spread(used, config.n_examples)
        for path in pictures_in(run.at(stage, subject=subject))[:PICTURES_PER_EXAMPLE]
    ]
    return StageSection(
        stage,
        captions.STAGE_CAPTIONS[stage],
        len(used),
        measured(values_by_subject(run, stage)),
        warning_counts(records, stage),
        pictures,
    )


def picture_label(stage: str, path: Path) -> str:
    """What a stage's picture is called: the stage, and which one of several."""
    title = captions.STAGE_CAPTIONS[stage].title.lower()
    if path.name == QC:
        return title
    return f"{title} {path.stem}{', checkerboard' if path.parent.name == 'checkerboards' else ''}"


def spread(items: Sequence[str], n: int) -> list[str]:
    """At most `n` items, evenly spread from the first to the last."""
    if n >= len(items):
        return list(items)
    if n < 2:
        return list(items[:n])
    return [items[round(i * (len(items) - 1) / (n - 1))] for i in range(n)]


def _figures(run: Run, experiment: str, width: int) -> list[FigureGroup]:
    folder = run.at("evaluate", experiment=experiment)
    names = [name for name in read_metrics(folder).artefacts if name.endswith(".png")]
    groups: dict[FigureCaption, list[Picture]] = {}
    for name in names:
        label = f"{experiment}, {Path(name).stem.replace('_', ' ')}"
        picture = embed(folder / name, width, label)
        groups.setdefault(figure_caption(Path(name).stem), []).append(picture)
    return [FigureGroup(caption, pictures) for caption, pictures in groups.items()]


def _attention(run: Run, experiment: str, width: int) -> list[Picture]:
    folder = run.at("explain", experiment=experiment)
    return [embed(p, width, f"{experiment}, {p.stem}") for p in pictures_in(folder)]


def _subject_row(run: Run, subject: str, records: Mapping[str, Record]) -> dict[str, Any]:
    refusal = next((r.refusal for r in records.values() if r.refusal), None)
    return {
        "name": subject,
        **{key: subject_of(run, subject).get(key) for key in ("sex", "age_years", "bmi", "side")},
        "dxa": subject_of(run, subject).get("dxa_abmd_g_cm2"),
        "refusal": refusal,
        "parts": sum(len(record.parts) for record in records.values()),
        "warnings": sum(len(record.warnings) for record in records.values()),
    }
