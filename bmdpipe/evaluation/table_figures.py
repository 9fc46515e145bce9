"""Figures 7, 8, 9 to 11 and 12 of the paper, from held-out predictions and training histories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bmdpipe.core.names import POSITIONINGS
from bmdpipe.evaluation.agreement import NotMeasurable, icc_a1, pcc
from bmdpipe.evaluation.joint_errors import ANGLES, AngleError

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000", "#6b7785")
DPI = 120
SIZE_TICKS = 5
VIRTUAL = "virtual subjects: no clinical evidence"


def by_positioning(
    path: Path, rows: Mapping[str, pd.DataFrame], target: str, unit: str, virtual: bool
) -> None:
    """Fig. 7: predicted over true BMD, a row of panels per training, a column per positioning."""
    shown = [p for p in POSITIONINGS if any((t["positioning"] == p).any() for t in rows.values())]
    figure = _figure(3.0 * len(shown), 3.2 * len(rows), virtual)
    panels = figure.subplots(len(rows), len(shown), squeeze=False, sharex=True, sharey=True)
    for line, (name, table) in zip(panels, rows.items(), strict=True):
        for axis, positioning in zip(line, shown, strict=True):
            part = table[table["positioning"] == positioning]
            _against_truth(axis, part["bmd_true"].to_numpy(), part["bmd_pred"].to_numpy())
            axis.set_title(f"{positioning}{_pcc_words(part)}", fontsize=9)
        line[0].set_ylabel(f"{name}\npredicted ({unit})", fontsize=9)
    for axis in panels[-1]:
        axis.set_xlabel(f"true {target.upper()} BMD ({unit})", fontsize=9)
    figure.savefig(path, dpi=DPI)


def compression_curves(path: Path, curves: pd.DataFrame, virtual: bool) -> None:
    """Fig. 8: correlation over the file's size, a panel per target, a curve per row and kind."""
    targets = list(dict.fromkeys(curves["target"]))
    figure = _figure(4.6 * len(targets), 3.8, virtual)
    panels = figure.subplots(1, len(targets), squeeze=False)[0]
    for axis, target in zip(panels, targets, strict=True):
        of_target = curves[curves["target"] == target]
        groups = of_target.groupby(["label", "compression"], sort=False)
        for place, ((label, kind), part) in enumerate(groups):
            mean = part.groupby("setting")[["size_kb", "pcc"]].mean().sort_values("size_kb")
            axis.plot(
                mean["size_kb"], mean["pcc"], "-o" if kind == "bits" else "--s",
                color=COLOURS[place % len(COLOURS)], markersize=3.5, label=f"{label}, {kind}",
            )  # fmt: skip
        axis.set(xscale="log", xlabel="mean size (kB)", ylabel="PCC", title=target.upper())
        # A range of less than a decade has no decade to be labelled.
        ticks = np.geomspace(of_target["size_kb"].min(), of_target["size_kb"].max(), SIZE_TICKS)
        axis.set_xticks(ticks, [f"{tick:.2g}" for tick in ticks])
        axis.minorticks_off()
        axis.legend(fontsize=7, frameon=False)
    figure.savefig(path, dpi=DPI)


def outlier_sheet(path: Path, cases: Sequence[Mapping[str, Any]], unit: str, virtual: bool) -> None:
    """Fig. 11: radiograph, true and predicted projection of the cases with the largest errors.

    Each case has `case`, `bmd_true`, `bmd_pred`, `radiograph`, `pf_true` and `pf_pred`.
    """
    figure = _figure(1.6 * 3 + 0.4, 2.6 * max(len(cases), 1), virtual)
    panels = figure.subplots(max(len(cases), 1), 3, squeeze=False)
    for line, case in zip(panels, cases, strict=True):
        top = max(float(case["pf_true"].max()), 1.0)
        for axis, name in zip(line, ("radiograph", "pf_true", "pf_pred"), strict=True):
            limits = {} if name == "radiograph" else {"vmin": 0.0, "vmax": top}
            axis.imshow(case[name], cmap="gray", **limits)
            axis.set_axis_off()
        line[0].set_title(case["case"], fontsize=7, loc="left")
        line[1].set_title(f"true {case['bmd_true']:.3g} {unit}", fontsize=7)
        line[2].set_title(f"predicted {case['bmd_pred']:.3g}", fontsize=7)
    figure.savefig(path, dpi=DPI)


def joint_angle_errors(
    path: Path, rows: pd.DataFrame, found: Sequence[AngleError], unit: str, virtual: bool
) -> None:
    """Fig. 10: error over each angle of the hip, limits dashed, a colour per positioning.

    `rows` are those that `found` was made of.
    """
    figure = _figure(3.6 * len(found), 3.6, virtual)
    panels = figure.subplots(1, len(found), squeeze=False, sharey=True)[0]
    error = rows["bmd_pred"] - rows["bmd_true"]
    for axis, angle in zip(panels, found, strict=True):
        for positioning, colour in zip(POSITIONINGS, COLOURS, strict=False):
            part = rows["positioning"] == positioning
            if part.any():
                axis.scatter(
                    rows.loc[part, angle.angle], error[part], s=14, alpha=0.7, linewidths=0,
                    color=colour, label=positioning,
                )  # fmt: skip
        for limit in angle.angle_limits_deg:
            axis.axvline(limit, color="#6b7785", linewidth=0.8, linestyle="--")
        for limit in angle.error_limits:
            axis.axhline(limit, color="#6b7785", linewidth=0.8, linestyle="--")
        related = "" if angle.pcc is None else f", PCC {angle.pcc:.2f}"
        axis.set_title(f"{ANGLES[angle.angle]}{related}", fontsize=9)
        axis.set_xlabel("degrees against the CT", fontsize=9)
    panels[0].set_ylabel(f"error of BMD ({unit})", fontsize=9)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", fontsize=7, frameon=False)
    figure.savefig(path, dpi=DPI)


def convergence(path: Path, histories: Mapping[str, NDArray], virtual: bool) -> None:
    """Fig. 12b: the L1 loss of stage two over epochs, mean over folds and seeds `[epochs]`."""
    figure = _figure(6.0, 4.0, virtual)
    axis = figure.subplots()
    for place, (name, losses) in enumerate(histories.items()):
        style = "-" if name.endswith("with hierarchical learning") else "--"
        colour = COLOURS[place // 2 % len(COLOURS)]
        axis.plot(np.arange(1, len(losses) + 1), losses, style, color=colour, label=name)
    axis.set(xlabel="epoch of stage two", ylabel="L1 loss (training)", yscale="log")
    axis.legend(fontsize=7, frameon=False)
    figure.savefig(path, dpi=DPI)


def agreement_of(part: pd.DataFrame) -> dict[str, float | None]:
    """PCC and ICC(A,1) of a table's predictions, None where they have no value."""
    found: dict[str, float | None] = {}
    for name, metric in (("pcc", pcc), ("icc_a1", icc_a1)):
        try:
            found[name] = float(metric(part["bmd_true"].to_numpy(), part["bmd_pred"].to_numpy()))
        except NotMeasurable:
            found[name] = None
    return found


def _pcc_words(part: pd.DataFrame) -> str:
    value = agreement_of(part)["pcc"]
    return "" if value is None else f", PCC {value:.3f}"


def _against_truth(axis: Axes, truth: NDArray, predicted: NDArray) -> None:
    axis.scatter(truth, predicted, s=14, alpha=0.7, linewidths=0, color=COLOURS[0])
    if len(truth):
        ends = (float(min(truth.min(), predicted.min())), float(max(truth.max(), predicted.max())))
        axis.plot(ends, ends, color="#1f2933", linewidth=0.8)


def _figure(width: float, height: float, virtual: bool) -> Figure:
    figure = Figure(figsize=(width, height), layout="constrained")
    if virtual:
        figure.suptitle(VIRTUAL, fontsize=8, style="italic")
    return figure
