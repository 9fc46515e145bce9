"""A companion study's runs for the tracking store: a parent per model, a child per fold."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bmdpipe.core.layout import Layout
from bmdpipe.core.metrics import Metrics, Scalar, read_metrics
from bmdpipe.report.tracked_runs import TrackedRun, artefacts_of


def study_runs(layout: Layout, study: str, models: Sequence[str], folds: int) -> list[TrackedRun]:
    """Every model of a study with its folds."""
    judged = [Path(layout.at(f"study_{kind}", study=study)) for kind in ("evaluate", "explain")]
    found = {folder: read_metrics(folder) for folder in judged}
    return [_model(layout, study, model, folds, models, found) for model in models]


def _model(
    layout: Layout,
    study: str,
    model: str,
    folds: int,
    models: Sequence[str],
    judged: dict[Path, Metrics],
) -> TrackedRun:
    params: dict[str, Scalar] = {
        "study": study,
        "cohort": layout.cohort,
        "model": model,
        "n_folds": folds,
    }
    values = {
        name.removeprefix(f"{model}_"): value
        for metrics in judged.values()
        for name, value in metrics.values.items()
        if _owner(name, models) == model
    }
    children = []
    for fold in range(folds):
        folder = Path(layout.at("study_train", study=study, model=model, fold=fold))
        metrics = read_metrics(folder)
        children.append(
            TrackedRun(
                key=f"{model}/fold{fold}",
                name=f"fold{fold}",
                params={**metrics.params, **params, "fold": fold},
                values=metrics.values,
                series=metrics.series,
                files=tuple(artefacts_of(folder)),
                tags={"stage": "study_train", "fold": str(fold)},
            )
        )
    return TrackedRun(
        key=model,
        name=model,
        params=params,
        values=values,
        files=tuple(path for folder in judged for path in artefacts_of(folder)),
        tags={"stage": "study", "study": study},
        children=tuple(children),
    )


def _owner(name: str, models: Sequence[str]) -> str | None:
    """The model that a metric's name begins with; the longest where one begins another."""
    fitting = [model for model in models if name.startswith(f"{model}_")]
    return max(fitting, key=len, default=None)
