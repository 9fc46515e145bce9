"""The page of a companion study: the seed's tables and figures, and how to read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bmdpipe.core.atomic import read_json
from bmdpipe.core.files import EVALUATION, EXPLANATION, HISTORY
from bmdpipe.explain.titles import TITLES
from bmdpipe.report.curves import draw, read_history
from bmdpipe.report.pictures import Picture, embed, embed_png
from bmdpipe.report.study_texts import STUDY_TEXTS
from bmdpipe.report.templating import render

COLUMNS = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "auc": "AUC",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "precision": "precision",
    "f_score": "F",
    "mcc": "MCC",
    "confidence": "confidence",
    "calibration_error": "calibration error",
    "brier": "Brier",
}
CHECKS = {
    "deletion_gain": "deletion",
    "deletion_rank": "beats random",
    "insertion_gain": "insertion",
    "insertion_rank": "beats random",
    "shuffled_similarity": "shuffled ρ",
}


@dataclass(frozen=True)
class StudyFolders:
    """Where a study's results lie; `training` by model and fold."""

    evaluate: Path
    explain: Path
    training: Mapping[str, Sequence[Path]]


def as_configured(results: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The results in the order of the names, which the files' sorted keys have lost."""
    return {name: results[name] for name in names if name in results}


def study_page(study: str, folders: StudyFolders, width: int, written: str) -> str:
    """The HTML of a study that classifies; `written` is the date to print."""
    evaluated = read_json(folders.evaluate / EVALUATION)
    explained = read_json(folders.explain / EXPLANATION)["models"]
    models = as_configured(evaluated["models"], folders.training)
    return render(
        "study.html",
        text=STUDY_TEXTS[study],
        written=written,
        evaluated=evaluated,
        results=models,
        explained=as_configured(explained, models),
        virtual=evaluated["virtual"],
        columns=_known(models),
        checks=CHECKS,
        titles={**TITLES, "summary": "summary score"},
        figures=[
            *_pictures(folders.evaluate, "confusion", models, width),
            embed(folders.evaluate / "reliability.png", width, "reliability"),
        ],
        maps=_pictures(folders.explain, "maps", models, 2 * width),
        found=_pictures(folders.explain, "localisation", models, width)
        + _pictures(folders.explain, "regions", models, width),
        curves=[_curve(model, each) for model, each in folders.training.items()],
    )


def _known(models: Mapping[str, Any]) -> dict[str, str]:
    """The columns for which some model has a value."""
    known = {name for result in models.values() for name in result["metrics"]}
    return {name: heading for name, heading in COLUMNS.items() if name in known}


def _pictures(folder: Path, kind: str, models: Iterable[str], width: int) -> list[Picture]:
    """Each model's picture of a kind, where it has one."""
    paths = {model: folder / f"{kind}_{model}.png" for model in models}
    return [embed(path, width, f"{kind} {m}") for m, path in paths.items() if path.exists()]


def _curve(model: str, folders: Sequence[Path]) -> Picture:
    histories = {fold: read_history(folder / HISTORY) for fold, folder in enumerate(folders)}
    return embed_png(draw(histories), model)
