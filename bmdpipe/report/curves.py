"""Training curves of a run: one picture per model, a line per fold."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bmdpipe.core.files import HISTORY
from bmdpipe.report.jobs import Run, short
from bmdpipe.report.pictures import Picture, embed_png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STEPS = ("epoch", "step", "iteration")
COLUMNS = 4
DPI = 110
WORDS = {
    "l1": "L1",
    "gc": "gradient correlation loss",
    "fm": "feature matching",
    "weighted_l1": "weighted L1",
    "mae": "mean absolute error",
}
"""What a panel calls a history's column, where the column's own name says too little."""
Curves = dict[str, list[tuple[float, float]]]


def training_curves(run: Run) -> list[Picture]:
    """A picture per trained model, for those that left a history; shared decomposers once."""
    pictures = []
    for name, folders in _models(run).items():
        histories = {f: read_history(p / HISTORY) for f, p in folders.items() if _has(p)}
        if any(histories.values()):
            pictures.append(embed_png(draw(histories), name))
    return pictures


def read_history(path: Path) -> Curves:
    """The numeric columns of a history over its steps; empty and infinite cells are left out."""
    curves: Curves = {}
    with Path(path).open(encoding="utf-8", newline="") as stream:
        for index, row in enumerate(csv.DictReader(stream, delimiter="\t")):
            step = next((float(row[name]) for name in STEPS if name in row), float(index))
            for name, text in row.items():
                value = _finite(text)
                if name not in STEPS and value is not None:
                    curves.setdefault(name, []).append((step, value))
    return curves


def draw(histories: Mapping[int, Curves]) -> bytes:
    """PNG of the curves: a panel per column, a line per fold; loss-like columns on a log scale."""
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(name for curves in histories.values() for name in curves))
    rows = math.ceil(len(names) / COLUMNS)
    across = min(len(names), COLUMNS)
    figure = Figure(figsize=(2.6 * across + 0.4, 2.0 * rows + 0.2), layout="constrained")
    for index, name in enumerate(names):
        _panel(figure.add_subplot(rows, across, index + 1), name, histories, legend=index == 0)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=DPI)
    return stream.getvalue()


def _panel(axes: Axes, name: str, histories: Mapping[int, Curves], legend: bool) -> None:
    lowest, highest = math.inf, -math.inf
    for fold, curves in histories.items():
        points = curves.get(name, [])
        if points:
            steps, values = zip(*points, strict=True)
            lowest, highest = min(lowest, *values), max(highest, *values)
            axes.plot(
                steps,
                values,
                linewidth=1,
                marker="." if len(points) < 2 else "",
                label=f"fold {fold}",
            )
    if lowest > 0 and highest > 20 * lowest:
        axes.set_yscale("log")
    axes.set_title(WORDS.get(name, name.replace("_", " ")), fontsize=8)
    axes.tick_params(labelsize=7)
    axes.set_xlabel("epoch", fontsize=7)
    axes.grid(visible=True, color="0.9", linewidth=0.5)
    if legend:
        axes.legend(fontsize=6, frameon=False)


def _models(run: Run) -> dict[str, dict[int, Path]]:
    """Name to fold to folder, for every model of the run."""
    folds = range(run.n_folds)
    found = {"segmentation": {f: run.at("segment_train", fold=f) for f in folds}}
    for experiment, plan in run.study.experiments.items():
        for job in run.jobs_of(experiment):
            shared = job.stage in ("train_stage_one", "train_stage_two")
            owner = f"decomposer {plan.decomposer}" if shared else f"experiment {experiment}"
            words = [owner, short(job.stage).replace("_", " "), (job.target or "").upper()]
            if job.stage != "predict":
                found.setdefault(", ".join(filter(None, words)), {})[job.fold] = job.folder
    return found


def _has(folder: Path) -> bool:
    return (folder / HISTORY).exists()


def _finite(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None
