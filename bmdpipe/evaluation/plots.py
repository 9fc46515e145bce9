"""Scatter and Bland-Altman figures of the paper's kind, legible at 420 pixels of width."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

INK = "#1f2933"
MUTED = "#6b7785"
POSITIONING_STYLE = {
    "standing": ("#0072b2", "o"),
    "supine": ("#d55e00", "s"),
    "abduction": ("#009e73", "^"),
    "adduction": ("#cc79a7", "D"),
}
OTHER_STYLE = (MUTED, "v")
SIZE_IN = (4.2, 4.2)
DPI = 200
TARGET_NAME = {"dxa": "DXA-BMD", "qct": "QCT-BMD"}


def scatter(
    path: Path,
    truth: NDArray,
    estimate: NDArray,
    positioning: Sequence[str],
    target: str,
    unit: str,
    metrics: dict[str, dict[str, Any]],
    virtual: bool,
) -> None:
    """Predicted over true BMD with the identity line, coloured by positioning (Gu 2023, Fig. 6)."""
    figure, axes = _canvas()
    _points(axes, truth, estimate, positioning)
    both = np.concatenate([truth, estimate])
    pad = 0.06 * max(float(np.ptp(both)), 1e-9)
    ends = (float(both.min()) - pad, float(both.max()) + pad)
    axes.plot(ends, ends, color=INK, linewidth=1.0, zorder=1)
    axes.set(xlim=ends, ylim=ends, aspect="equal")
    name = TARGET_NAME.get(target, target)
    axes.set_xlabel(f"true {name} ({_pretty(unit)})")
    axes.set_ylabel(f"predicted {name} ({_pretty(unit)})")
    axes.set_title(_metrics_title(metrics, unit), fontsize=9.5, color=INK)
    axes.legend(loc="upper left", fontsize=8.5, frameon=False, handletextpad=0.1)
    _finish(figure, axes, virtual, path)


def bland_altman_figure(
    path: Path,
    truth: NDArray,
    estimate: NDArray,
    subject: Sequence[str],
    positioning: Sequence[str],
    target: str,
    unit: str,
    result: dict[str, Any],
    virtual: bool,
) -> None:
    """Difference against mean with the limits of agreement; subjects beyond them whole are ringed
    and named (Gu 2023, Fig. 9). `result` is `summarise_limits`'s."""
    figure, axes = _canvas()
    middle, difference = (truth + estimate) / 2, estimate - truth
    _points(axes, middle, difference, positioning)
    for key, label, style in (
        ("upper", "+1.96 SD", "--"),
        ("bias", "bias", "-"),
        ("lower", "−1.96 SD", "--"),
    ):
        axes.axhline(result[key], color=INK, linestyle=style, linewidth=1.0, zorder=1)
        axes.annotate(
            f"{label}\n{_short(result[key], unit)}",
            (1.01, result[key]),
            xycoords=("axes fraction", "data"),
            ha="left",
            va="center",
            fontsize=8.5,
            color=INK,
        )
    names = np.asarray(subject).astype(str)
    for outlier in result["case_level_outliers"]:
        rows = names == outlier
        axes.scatter(
            middle[rows], difference[rows], s=90, facecolors="none", edgecolors=INK, linewidths=1.1
        )
        axes.annotate(
            outlier,
            (float(middle[rows].min()), float(difference[rows].mean())),
            xytext=(-9, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=8.5,
            color=INK,
        )
    axes.margins(x=0.12, y=0.12)
    name = TARGET_NAME.get(target, target)
    axes.set_xlabel(f"mean of true and predicted {name} ({_pretty(unit)})")
    axes.set_ylabel(f"predicted minus true ({_pretty(unit)})")
    whole = len(result["case_level_outliers"])
    axes.set_title(
        f"{result['outliers']} of {len(truth)} radiographs beyond the limits,\n"
        f"{whole} subject{'' if whole == 1 else 's'} with all radiographs",
        fontsize=9.5,
        color=INK,
    )
    figure.legend(
        loc="outside lower center",
        fontsize=8.5,
        frameon=False,
        ncols=4,
        handletextpad=0.0,
        columnspacing=0.8,
    )
    _finish(figure, axes, virtual, path)


def _points(axes: Axes, x: NDArray, y: NDArray, positioning: Sequence[str]) -> None:
    kinds = np.asarray(positioning).astype(str)
    known = [p for p in POSITIONING_STYLE if p in kinds]
    for kind in known + sorted(set(kinds) - set(known)):
        colour, marker = POSITIONING_STYLE.get(kind, OTHER_STYLE)
        rows = kinds == kind
        axes.scatter(
            x[rows], y[rows], s=22, c=colour, marker=marker, alpha=0.75, linewidths=0, label=kind
        )


def _metrics_title(metrics: dict[str, dict[str, Any]], unit: str) -> str:
    first = [
        f"{label} {metrics[key]['value']:.3f}"
        for key, label in (("pcc", "PCC"), ("icc_a1", "ICC(A,1)"))
        if key in metrics
    ]
    second = [
        f"{label} {_short(metrics[key]['value'], unit)}"
        for key, label in (("mae", "MAE"), ("see", "SEE"))
        if key in metrics
    ]
    if second:
        second[-1] += f" {_pretty(unit)}"
    if "rms_cv" in metrics:
        second.append(f"RMS-CV {metrics['rms_cv']['value']:.1f} %")
    return ", ".join(first) + "\n" + ", ".join(second)


def _short(value: float, unit: str) -> str:
    text = f"{value:.1f}" if unit.startswith("mg") else f"{value:.3f}"
    return text.removeprefix("-") if float(text) == 0 else text.replace("-", "−")


def _pretty(unit: str) -> str:
    return unit.replace("cm2", "cm²").replace("cm3", "cm³")


def _canvas() -> tuple[Figure, Axes]:
    figure = Figure(figsize=SIZE_IN, layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=9, colors=INK)
    return figure, axes


def _finish(figure: Figure, axes: Axes, virtual: bool, path: Path) -> None:
    if virtual:
        axes.text(
            0.99,
            0.01,
            "virtual subjects",
            transform=axes.transAxes,
            ha="right",
            va="bottom",
            fontsize=8.5,
            style="italic",
            color=MUTED,
        )
    figure.savefig(path, dpi=DPI)
