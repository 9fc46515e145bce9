"""One picture of a prediction: radiograph, hip, predicted projection, BMD with interval, banner."""

from __future__ import annotations

import io

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from bmdpipe.core.image import Image
from bmdpipe.report.bundle.estimate import Estimate, HipEstimate
from bmdpipe.report.bundle.files import Bundle
from bmdpipe.report.numbers import number, unit_text
from bmdpipe.report.results_table import TARGETS, UNIT_DIGITS

SIZE_IN, DPI = (13.0, 6.4), 100
PLACES = (
    (0.01, 0.13, 0.35, 0.75),
    (0.37, 0.13, 0.18, 0.75),
    (0.56, 0.13, 0.18, 0.75),
    (0.58, 0.1, 0.14, 0.015),
    (0.76, 0.05, 0.23, 0.86),
)
"""Left, bottom, width and height of radiograph, hip, projection, its scale, and the words."""
WARN, INK = "#b3261e", "#1f1f1f"
RESEARCH = "FOR RESEARCH ONLY. NOT A MEDICAL DEVICE."
VIRTUAL = "Models trained on virtual subjects."


def overview(case: str, radiograph: Image, found: HipEstimate, bundle: Bundle) -> NDArray[np.uint8]:
    """The picture `[y, x, 3]`; a prediction that is not to be trusted says so in red."""
    figure = Figure(figsize=SIZE_IN)
    banner = Rectangle((0, 0.94), 1, 0.06, transform=figure.transFigure, color=WARN)
    figure.add_artist(banner)
    notice = f"{RESEARCH} {VIRTUAL if bundle.virtual else ''}"
    figure.text(0.5, 0.97, notice, color="white", fontsize=13, ha="center", va="center")
    whole, hip, made, bar, words = (figure.add_axes(place) for place in PLACES)
    for axes in (whole, hip, made):
        axes.set_anchor("N")
    window = found.hip.window
    sx, sy = radiograph.spacing_mm
    whole.imshow(
        radiograph.array,
        cmap="gray",
        vmin=0,
        vmax=1,
        extent=(0, radiograph.size_px[0] * sx, radiograph.size_px[1] * sy, 0),
    )
    whole.add_patch(
        Rectangle(
            (window.left_mm, window.top_mm),
            window.width_mm,
            window.height_mm,
            fill=False,
            edgecolor="#ffb000",
            linewidth=1.5,
        )
    )
    _named(whole, f"{case} (patient's right on the left)")
    aspect = window.spacing_mm[1] / window.spacing_mm[0]
    hip.imshow(as_taken(found.hip.image, found), cmap="gray", vmin=0, vmax=1, aspect=aspect)
    _named(hip, f"hip {found.hip.side}")
    shown = made.imshow(as_taken(found.projection, found), cmap="inferno", vmin=0, aspect=aspect)
    _named(made, "predicted projection")
    scale = figure.colorbar(shown, cax=bar, orientation="horizontal")
    scale.set_label(unit_text(bundle.projection_unit), fontsize=9)
    _tell(words, found, bundle)
    return _pixels(figure)


def as_taken(image: NDArray[np.float32], found: HipEstimate) -> NDArray[np.float32]:
    """A network's image `[h, w]` as the radiograph shows the hip."""
    return np.ascontiguousarray(image[:, ::-1]) if found.hip.window.mirrored else image


def _tell(axes: Axes, found: HipEstimate, bundle: Bundle) -> None:
    axes.axis("off")
    y = 0.97
    for estimate in found.estimates:
        axes.text(0, y, TARGETS.get(estimate.target, estimate.target), fontsize=11, color=INK)
        axes.text(0, y - 0.07, _value(estimate), fontsize=17, color=INK)
        axes.text(0, y - 0.12, _interval(estimate), fontsize=10, color=INK)
        y -= 0.2
    flags = list(dict.fromkeys(flag for e in found.estimates for flag in e.flags))
    if flags:
        axes.text(0, y, "DO NOT TRUST", fontsize=15, weight="bold", color=WARN)
        for flag in flags:
            y -= 0.05
            axes.text(0, y, flag.replace("_", " "), fontsize=10, color=WARN)
        if found.strange:
            y -= 0.05
            axes.text(0, y, f"  ({', '.join(found.strange)})", fontsize=9, color=WARN)
    else:
        axes.text(0, y, "no flag was raised", fontsize=10, color=INK)
    axes.text(
        0,
        0.0,
        f"{bundle.experiment}, cohort {bundle.provenance['cohort']}\n"
        f"mean of {len(bundle.folds)} models; commit {bundle.provenance['commit'][:12]}",
        fontsize=8,
        color=INK,
    )


def _value(estimate: Estimate) -> str:
    digits = UNIT_DIGITS[estimate.unit]
    return f"{number(estimate.bmd, digits)} {unit_text(estimate.unit)}"


def _interval(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return "no interval: too few subjects calibrate one"
    digits = UNIT_DIGITS[estimate.unit]
    low, high = number(estimate.low, digits), number(estimate.high, digits)
    return f"{round(100 * estimate.nominal)} % interval {low} to {high}"


def _named(axes: Axes, title: str) -> None:
    axes.set_title(title, fontsize=10, color=INK)
    axes.set(xticks=[], yticks=[])


def _pixels(figure: Figure) -> NDArray[np.uint8]:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="rgba", dpi=DPI)
    width, height = (round(DPI * inches) for inches in SIZE_IN)
    rgba = np.frombuffer(buffer.getvalue(), np.uint8).reshape(height, width, 4)
    return np.ascontiguousarray(rgba[:, :, :3])
