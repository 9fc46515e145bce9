"""The ROC curves of several classifiers on the same cases."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from bmdpipe.evaluation.bootstrap import Sample
from bmdpipe.evaluation.class_figures import COLOURS, DPI, MUTED
from bmdpipe.evaluation.classification import auc


def roc_figure(path: Path, told: Mapping[str, Sample], virtual: bool) -> None:
    """Sensitivity over 1 - specificity for every threshold on the second class' probability."""
    figure = Figure(figsize=(4.0, 3.8), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle="--")
    for (name, sample), colour in zip(told.items(), COLOURS, strict=False):
        score, truth = sample.estimate[:, 1], sample.truth == 1
        thresholds = np.concatenate([[np.inf], np.unique(score)[::-1]])
        hits = [float((score[truth] >= t).mean()) for t in thresholds]
        alarms = [float((score[~truth] >= t).mean()) for t in thresholds]
        label = f"{name}, AUC {auc(sample):.3f}"
        axes.plot(alarms, hits, color=colour, linewidth=1.5, label=label)
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    axes.set_xlabel("1 − specificity")
    axes.set_ylabel("sensitivity")
    axes.legend(fontsize=8.5, frameon=False, loc="lower right")
    axes.spines[["top", "right"]].set_visible(False)
    if virtual:
        figure.supxlabel("virtual subjects", fontsize=8.5, color=MUTED, style="italic")
    figure.savefig(path, dpi=DPI)
