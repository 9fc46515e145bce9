"""The quality-control picture of the region: the DXA-like view of each hip with its landmarks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure

from bmdpipe.core.atomic import atomic_path
from bmdpipe.densitometry.areal import ArealView

SHORT = {
    "head_centre": "head",
    "neck_centre": "neck",
    "junction_superior": "sup",
    "junction_inferior": "inf",
    "junction_anterior": "ant",
    "junction_posterior": "post",
    "shaft_2cm": "2 cm",
    "shaft_5cm": "5 cm",
}


def draw_regions(path: Path, views: Mapping[str, tuple[ArealView, str]]) -> None:
    """Write `qc.png` from a view and a line of text per side, the right hip on the left.

    Look: the outline leaves the head at the junction and the shaft at the 2 cm landmark, and the
    points lie where their names say; the dotted band is the neck.
    """
    figure = Figure(figsize=(4.2 * max(len(views), 1), 5.4), dpi=90, layout="constrained")
    axes = figure.subplots(1, max(len(views), 1), squeeze=False)[0]
    for axis, side in zip(axes, sorted(views, reverse=True), strict=False):
        view, caption = views[side]
        sx, sy = view.projection.spacing_mm
        height, width = view.region.shape
        extent = (-0.5 * sx, (width - 0.5) * sx, (height - 0.5) * sy, -0.5 * sy)
        shown = axis.imshow(view.projection.array, cmap="gray", extent=extent, vmin=0)
        axis.contour(
            view.region,
            levels=[0.5],
            colors="tab:orange",
            linewidths=1,
            extent=extent,
            origin="upper",
        )
        axis.contour(
            view.neck,
            levels=[0.5],
            colors="tab:green",
            linewidths=1,
            linestyles="dotted",
            extent=extent,
            origin="upper",
        )
        for name, (u, v) in view.landmarks_px.items():
            x, y = u * sx, v * sy
            axis.plot(x, y, "+", color="tab:cyan", ms=7, clip_on=False)
            axis.annotate(SHORT[name], (x + 1.5, y - 1.5), color="tab:cyan", fontsize=7)
        axis.set(title=f"{side}: {caption}", xticks=[], yticks=[])
        axis.title.set_fontsize(9)
        axis.set_xlim(extent[0], extent[1])
        lowest = max(float(v) * sy for _, v in view.landmarks_px.values())
        axis.set_ylim(max(extent[2], lowest + 4), extent[3])
        figure.colorbar(shown, ax=axis, label="g/cm$^2$", shrink=0.6)
    with atomic_path(path) as part:
        figure.savefig(part, format="png", facecolor="white")
