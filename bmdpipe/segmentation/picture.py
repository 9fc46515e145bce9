"""The picture of quality control: slices of the CT with the labels over it, and the uncertainty."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bmdpipe.core.atomic import atomic_path
from bmdpipe.core.labels import FEMUR_L, FEMUR_R, LABEL_NAMES, PELVIS
from bmdpipe.core.volume import Volume

COLOURS = {PELVIS: "#e0b040", FEMUR_R: "#e05050", FEMUR_L: "#4090e0"}
WORDS = {PELVIS: "yellow", FEMUR_R: "red", FEMUR_L: "blue"}
GREY_HU = (-200, 600)
MAX_VARIANCE = 0.15


def draw_segmentation(
    path: Path, ct: Volume, labels: Volume, variance: Volume | None, title: str
) -> None:
    """Write a PNG: rows are a coronal slice and two axial ones through the femora and the pelvis,
    columns the CT, the labels and, of a network, the uncertainty; the patient's right is on the
    left."""
    columns = 3 if variance is not None else 2
    figure = Figure(figsize=(1 + 3.4 * columns, 10), layout="constrained")
    rows = _views(ct, labels)
    axes = figure.subplots(len(rows), columns, squeeze=False)
    shown = ScalarMappable(Normalize(0, MAX_VARIANCE), "inferno")
    for line, (name, cut, aspect, lower) in zip(axes, rows, strict=True):
        grey = ct.array[cut]
        marked = np.ma.masked_equal(labels.array[cut], 0)
        for column, panel in enumerate(line):
            where: dict[str, Any] = {"aspect": aspect, "origin": "lower" if lower else "upper"}
            panel.imshow(grey, cmap="gray", vmin=GREY_HU[0], vmax=GREY_HU[1], **where)
            if column == 1:
                colours = ListedColormap([COLOURS[label] for label in sorted(COLOURS)])
                panel.imshow(
                    marked, cmap=colours, vmin=1, vmax=3, alpha=0.55, interpolation="none", **where
                )
            if column == 2 and variance is not None:
                spread = np.ma.masked_less(variance.array[cut], 0.005)
                panel.imshow(spread, cmap=shown.cmap, norm=shown.norm, **where)
            panel.set_axis_off()
        line[0].set_title(f"CT, {name}", fontsize=9)
        line[1].set_title("labels", fontsize=9)
        if variance is not None:
            line[2].set_title("variance over passes", fontsize=9)
    if variance is not None:
        figure.colorbar(shown, ax=axes[:, 2], shrink=0.5)
    legend = ", ".join(f"{LABEL_NAMES[label]} {WORDS[label]}" for label in sorted(COLOURS))
    figure.suptitle(f"{title}\n{legend}", fontsize=10)
    with atomic_path(path) as part:
        figure.savefig(part, dpi=80, format="png")


def _views(ct: Volume, labels: Volume) -> list[tuple[str, Any, float, bool]]:
    """Name, index, aspect and whether rows run upwards, of the slices worth looking at."""
    sx, sy, sz = ct.spacing_mm
    femora = (labels.array == FEMUR_R) | (labels.array == FEMUR_L)
    # The coronal slice with most femur shows head and shaft.
    coronal = int(np.argmax(femora.sum(axis=(0, 2))))
    joint = _fullest(femora, 1)
    pelvis = _fullest(labels.array == PELVIS, 1)
    return [
        ("coronal", np.s_[:, coronal, :], sz / sx, True),
        ("axial, fullest femora", np.s_[joint, :, :], sy / sx, False),
        ("axial, fullest pelvis", np.s_[pelvis, :, :], sy / sx, False),
    ]


def _fullest(mask: NDArray[np.bool_], first_axis: int) -> int:
    return int(np.argmax(mask.sum(axis=(first_axis, 2))))
