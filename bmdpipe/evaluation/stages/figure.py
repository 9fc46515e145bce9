"""One picture of all stages' errors against the virtual truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from bmdpipe.core.labels import BODIES, BODY_WORDS
from bmdpipe.geometry.landmarks import LANDMARKS

INK = "#1f2933"
MUTED = "#6b7785"
BLUE = "#0072b2"
RED = "#d55e00"
DPI = 200
Rows = Sequence[Mapping[str, Any]]


def draw_stages(path: Path, stages: Mapping[str, Any], success_mm: float) -> None:
    """Panels of all stages' errors, a point per structure, side, pose or radiograph."""
    figure = Figure(figsize=(6.6, 8.2), layout="constrained")
    panels = figure.subplots(4, 2)
    calibrate, segment = stages["calibrate"]["rows"], stages["segment"]["rows"]
    roi, register = stages["roi"]["rows"], stages["register"]["rows"]

    _strip(
        panels[0, 0],
        {
            "slope": _column(calibrate, "slope_error_percent"),
            "200 mg/cm³": _column(calibrate, "rod_200_error_percent"),
        },
        "calibration: error (%)",
    )
    panels[0, 0].axhline(0, color=INK, linewidth=0.8)
    _strip(panels[0, 1], _by(segment, "structure", "dice"), "segmentation: Dice")
    panels[0, 1].set_ylim(top=1.005)
    landmarks = {
        name.replace("junction_", "j. ").replace("_", " "): np.array(
            [row["landmarks_mm"][name] for row in roi]
        )
        for name in LANDMARKS
    }
    _strip(panels[1, 0], landmarks, "landmarks: error (mm)", turned=True)
    _strip(
        panels[1, 1],
        {
            "vBMD": _column(roi, "vbmd_error_percent"),
            "aBMD": _column(roi, "abmd_error_percent"),
        },
        "region: density error (%)",
    )
    panels[1, 1].axhline(0, color=INK, linewidth=0.8)
    _strip(
        panels[2, 0], _by(register, "body", "reprojection_mean_mm"), "registration: distance (mm)"
    )
    panels[2, 0].axhline(success_mm, color=RED, linewidth=1.0, linestyle="--")
    if register:
        panels[2, 0].set_yscale("log")
        panels[2, 0].yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        panels[2, 0].yaxis.set_major_formatter("{x:g}")
        panels[2, 0].yaxis.set_minor_formatter(NullFormatter())
    _strip(panels[2, 1], _by(register, "body", "rotation_deg"), "registration: rotation (deg)")
    _strip(
        panels[3, 0],
        {
            "mean": _column(stages["project"]["rows"], "mean_error_percent"),
            "pixels": _column(stages["project"]["rows"], "pixel_error_percent"),
        },
        "projection: error (%)",
    )
    panels[3, 0].axhline(0, color=INK, linewidth=0.8)
    _identity(panels[3, 1], segment)
    figure.supxlabel("virtual subjects; bars: medians", fontsize=8.5, color=MUTED, style="italic")
    figure.savefig(path, dpi=DPI)


def _strip(axes: Axes, groups: Mapping[str, np.ndarray], title: str, turned: bool = False) -> None:
    """A column of points per group, spread in a fixed pattern, with a bar at the median."""
    _plain(axes, title)
    for place, values in enumerate(groups.values()):
        if len(values) == 0:
            continue
        spread = 0.28 * (np.arange(len(values)) * 0.618 % 1.0 - 0.5)
        axes.scatter(place + spread, values, s=9, c=BLUE, alpha=0.55, linewidths=0)
        axes.hlines(np.median(values), place - 0.3, place + 0.3, color=INK, linewidth=1.4)
    axes.set_xticks(range(len(groups)), list(groups))
    axes.set_xlim(-0.6, max(len(groups), 1) - 0.4)
    if turned:
        axes.tick_params(axis="x", rotation=40)
        for label in axes.get_xticklabels():
            label.set_horizontalalignment("right")
    if not any(len(values) for values in groups.values()):
        _nothing(axes)


def _identity(axes: Axes, rows: Rows) -> None:
    _plain(axes, "segmentation: predicted Dice")
    kept = [row for row in rows if "predicted_dice" in row]
    if not kept:
        _nothing(axes)
        return
    truth, predicted = _column(kept, "dice"), _column(kept, "predicted_dice")
    ends = (min(truth.min(), predicted.min()), max(truth.max(), predicted.max()))
    axes.plot(ends, ends, color=INK, linewidth=0.8)
    axes.scatter(truth, predicted, s=9, c=BLUE, alpha=0.55, linewidths=0)
    axes.set_xlabel("Dice with the truth", fontsize=9)


def _plain(axes: Axes, title: str) -> None:
    axes.set_title(title, fontsize=10, loc="left", color=INK)
    axes.tick_params(labelsize=8.5, colors=INK)
    axes.spines[["top", "right"]].set_visible(False)


def _nothing(axes: Axes) -> None:
    axes.text(0.5, 0.5, "not measured", transform=axes.transAxes, ha="center", color=MUTED)


def _column(rows: Rows, key: str) -> np.ndarray:
    return np.array([row[key] for row in rows if key in row], dtype=float)


def _by(rows: Rows, column: str, key: str) -> dict[str, np.ndarray]:
    return {
        BODY_WORDS[body]: _column([r for r in rows if r[column] == body], key) for body in BODIES
    }
