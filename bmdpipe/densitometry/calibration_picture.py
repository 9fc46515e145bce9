"""The quality-control picture of a calibration: the rods on an axial slice, and the line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from bmdpipe.core.atomic import atomic_path
from bmdpipe.core.volume import Volume
from bmdpipe.densitometry.calibration_line import Calibration
from bmdpipe.densitometry.rods import Rods

WINDOW_HU = (-200, 400)


def draw_calibration(path: Path, ct: Volume, calibration: Calibration, rods: Rods | None) -> None:
    """Write `qc.png`. Look: every circle lies inside a rod, every point on the line."""
    figure = Figure(figsize=(10, 4.6), dpi=90, layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.4, 1))
    sx, sy, sz = ct.spacing_mm
    middle = sum(rods.z_range_mm) / 2 if rods else (len(ct.array) - 1) / 2 * sz
    k = round(middle / sz)
    height, width = ct.array.shape[1:]
    extent = (-0.5 * sx, (width - 0.5) * sx, (height - 0.5) * sy, -0.5 * sy)
    left.imshow(ct.array[k], cmap="gray", vmin=WINDOW_HU[0], vmax=WINDOW_HU[1], extent=extent)
    left.set(title=f"axial slice {k}, HU {WINDOW_HU[0]} to {WINDOW_HU[1]}", xticks=[], yticks=[])
    hu = np.array([rod.hu_mean for rod in calibration.rods])
    if rods is not None:
        for x, y in rods.at(middle):
            left.add_patch(Circle((x, y), rods.radius_mm, fill=False, color="tab:orange", lw=1.2))
        for rod in calibration.rods:
            x, y, _ = np.subtract(rod.centre_mm, ct.origin_mm)
            left.annotate(
                f"{rod.density_mg_cm3:.0f}",
                (x, y - rods.radius_mm - 3),
                color="tab:orange",
                ha="center",
                fontsize=8,
            )
        right.errorbar(
            hu,
            [rod.density_mg_cm3 for rod in calibration.rods],
            xerr=[rod.hu_sd for rod in calibration.rods],
            fmt="o",
            color="tab:orange",
            label="rods (bars: standard deviation of the pixels)",
        )
    ends = np.array([hu.min() - 30, hu.max() + 30] if hu.size else [-100.0, 400.0])
    found = [t for t in calibration.tissues if t.hu is not None]
    if found:
        ends = np.array([-1050.0, 400.0])
        at = [t.hu for t in found]
        right.plot(at, [t.density_mg_cm3 for t in found], "o", color="tab:orange", label="tissues")
        for n, tissue in enumerate(found):
            # To either side of the line in turn: muscle and blood lie close together.
            right.annotate(
                tissue.name,
                (tissue.hu, tissue.density_mg_cm3),
                xytext=(-6, 5) if n % 2 else (6, -9),
                textcoords="offset points",
                ha="right" if n % 2 else "left",
                fontsize=8,
            )
    right.plot(ends, calibration.slope * ends + calibration.intercept, color="tab:blue", lw=1)
    quality = (
        calibration.method
        if calibration.correlation is None
        else f"{calibration.method}, r = {calibration.correlation:.5f}"
    )
    right.set(
        title=f"{calibration.slope:.4f} x HU {calibration.intercept:+.2f}, {quality}",
        xlabel="HU",
        ylabel="density, mg/cm$^3$ hydroxyapatite",
    )
    if rods is not None or found:
        right.legend(loc="upper left", fontsize=8)
    right.grid(alpha=0.3)
    with atomic_path(path) as part:
        figure.savefig(part, format="png")
