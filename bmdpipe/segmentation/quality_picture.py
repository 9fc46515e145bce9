"""The picture of the lines that predict Dice: every segmentation with a truth, and the line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from bmdpipe.core.atomic import atomic_path
from bmdpipe.segmentation.quality import QualityLine, QualityPoint


def draw_quality(
    path: Path,
    points: Mapping[str, Sequence[QualityPoint]],
    lines: Mapping[str, QualityLine],
    title: str,
) -> None:
    """Write a PNG with a panel per structure; the colour says how much a CT was worsened."""
    figure = Figure(figsize=(4.5 * len(points), 4), layout="constrained")
    panels = figure.subplots(1, len(points), squeeze=False)[0]
    for panel, (name, found) in zip(panels, points.items(), strict=True):
        line = lines[name]
        variance = np.array([p.variance for p in found])
        shown = panel.scatter(
            variance,
            [p.dice for p in found],
            c=[p.worsened for p in found],
            cmap="viridis_r",
            s=18,
        )
        ends = np.array([0, variance.max() * 1.05])
        panel.plot(ends, [line.dice(v) for v in ends], color="0.3", linewidth=1)
        panel.set_title(
            f"{name}: rank correlation {line.rank_correlation:.2f}, "
            f"error on left-out subjects {line.error:.3f}",
            fontsize=8,
        )
        panel.set_xlabel("mean variance over the passes", fontsize=8)
        panel.set_ylabel("Dice of the final labels", fontsize=8)
        panel.tick_params(labelsize=7)
        figure.colorbar(shown, ax=panel, label="worsened by")
    figure.suptitle(title, fontsize=9)
    with atomic_path(path) as part:
        figure.savefig(part, dpi=80, format="png")
