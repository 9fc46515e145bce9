"""The contact sheet: a row per case, a column per picture of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

INK = "#1f2933"
MUTED = "#6b7785"
DPI = 160
WIDTH_IN, TEXT_IN, GAP_IN = 1.45, 0.32, 0.05

Kind = Literal["radiograph", "density", "component", "attention"]


@dataclass(frozen=True)
class Panel:
    """An image `[h, w]` and the text below it; an attention map lies over `under`, the border of
    the mask `outline` over a radiograph."""

    kind: Kind
    image: NDArray
    text: str = ""
    under: NDArray | None = None
    outline: NDArray | None = None


def draw_sheet(
    path: Path,
    titles: Sequence[str],
    rows: Sequence[Sequence[Panel]],
    names: Sequence[str],
    virtual: bool,
) -> None:
    """Write the sheet; `names` stand at the left of the rows. Densities share one scale (0 to the
    largest), components one symmetric scale per column."""
    height, width = rows[0][0].image.shape
    below_in = TEXT_IN if any(panel.text for row in rows for panel in row) else GAP_IN
    row_in = WIDTH_IN * height / width + below_in
    figure = Figure(
        figsize=(WIDTH_IN * len(titles) + 0.3, row_in * len(rows) + 0.5), layout="constrained"
    )
    axes = figure.subplots(len(rows), len(titles), squeeze=False)
    densities = [p.image.max() for row in rows for p in row if p.kind == "density"]
    for column, title in enumerate(titles):
        axes[0, column].set_title(title, fontsize=9, color=INK)
        # A few extreme pixels, as at a border, must not wash out the rest.
        spread = max(float(np.quantile(np.abs(row[column].image), 0.98)) for row in rows)
        for row, panels in enumerate(rows):
            _show(axes[row, column], panels[column], float(max(densities, default=1.0)), spread)
    for row, name in enumerate(names):
        axes[row, 0].set_ylabel(name, fontsize=8, color=INK)
    if virtual:
        figure.supxlabel("virtual subjects", fontsize=8.5, color=MUTED, style="italic")
    figure.savefig(path, dpi=DPI)


def _show(axes: Axes, panel: Panel, densest: float, spread: float) -> None:
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.set_xlabel(panel.text, fontsize=7.5, color=INK)
    if panel.kind == "radiograph":
        _radiograph(axes, panel.image)
        if panel.outline is not None and panel.outline.any():
            axes.contour(panel.outline, levels=[0.5], colors="#56b4e9", linewidths=0.8)
    elif panel.kind == "density":
        axes.imshow(panel.image, cmap="gray", vmin=0, vmax=densest)
    elif panel.kind == "component":
        axes.imshow(panel.image, cmap="RdBu_r", vmin=-spread, vmax=max(spread, 1e-9))
    else:
        if panel.under is not None:
            _radiograph(axes, panel.under)
        share = panel.image / max(float(panel.image.max()), 1e-12)
        axes.imshow(share, cmap="inferno", vmin=0, vmax=1, alpha=0.15 + 0.6 * share)


def _radiograph(axes: Axes, image: NDArray) -> None:
    low, high = np.quantile(image, [0.005, 0.995])
    axes.imshow(image, cmap="gray", vmin=low, vmax=max(high, low + 1e-9))
