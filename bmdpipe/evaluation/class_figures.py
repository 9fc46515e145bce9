"""Confusion matrix and reliability diagram."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure
from numpy.typing import NDArray

from bmdpipe.evaluation.classification import Bin

INK, MUTED = "#1f2933", "#6b7785"
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
DPI = 160


def confusion_figure(
    path: Path, matrix: NDArray, classes: Sequence[str], title: str, virtual: bool
) -> None:
    """Counts by true (rows) and told (columns) class, shaded by the share of the true class."""
    figure = Figure(figsize=(3.4, 3.2), layout="constrained")
    axes = figure.subplots()
    share = matrix / matrix.sum(axis=1, keepdims=True).clip(min=1)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for row in range(len(classes)):
        for column in range(len(classes)):
            dark = share[row, column] > 0.55
            text = f"{matrix[row, column]}\n{100 * share[row, column]:.0f} %"
            colour = "white" if dark else INK
            axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=10)
    axes.set_xticks(range(len(classes)), classes)
    axes.set_yticks(range(len(classes)), classes, rotation=90, va="center")
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    axes.set_title(title, fontsize=9.5, color=INK)
    _finish(figure, virtual, path)


def reliability_figure(path: Path, bins: Mapping[str, Sequence[Bin]], virtual: bool) -> None:
    """Accuracy over confidence for each model; on the line the confidence can be believed."""
    figure = Figure(figsize=(4.0, 3.8), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle="--")
    lowest = min((b.confidence for each in bins.values() for b in each), default=0.5)
    for (name, each), colour in zip(bins.items(), COLOURS * len(bins), strict=False):
        x, y = [b.confidence for b in each], [b.accuracy for b in each]
        axes.plot(x, y, color=colour, linewidth=1.3, label=name)
        axes.scatter(x, y, s=[12 + 160 * b.share for b in each], color=colour, alpha=0.8)
    axes.set(xlim=(min(0.45, lowest - 0.05), 1.02), ylim=(0, 1.03))
    axes.set_xlabel("confidence (largest probability)")
    axes.set_ylabel("accuracy")
    axes.legend(fontsize=8.5, frameon=False, loc="lower right")
    axes.spines[["top", "right"]].set_visible(False)
    _finish(figure, virtual, path)


def _finish(figure: Figure, virtual: bool, path: Path) -> None:
    if virtual:
        figure.supxlabel("virtual subjects", fontsize=8.5, color=MUTED, style="italic")
    figure.savefig(path, dpi=DPI)
