"""Pictures of a segmentation for the documentation: borders in three planes, and the surface.

python docs/scripts/make_segmentation.py ct.nii.gz labels.nii.gz docs/images/segmentation_x.jpg
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bmdpipe.core.labels import FEMUR_L, FEMUR_R, PELVIS
from bmdpipe.core.volume import Volume, bounding_slices
from bmdpipe.imaging.nifti import read_volume
from bmdpipe.segmentation.surface import surface_picture

MARGIN_MM = 35.0
LINES = {PELVIS: "#ffd020", FEMUR_R: "#ff5050", FEMUR_L: "#40b0ff"}


def draw(path: Path, ct: Volume, labels: Volume) -> None:
    """Slices along three axes with the borders, and the surface from the front and from behind."""
    ct, labels = _around_bones(ct, labels)
    figure = Figure(figsize=(19, 7), layout="constrained")
    panels = figure.subplots(2, 5, width_ratios=(1, 1, 1, 1, 1.2)).ravel()
    femora = labels.array >= FEMUR_R
    heights = np.flatnonzero(femora.any(axis=(1, 2)))
    top, spacing = heights[-1], labels.spacing_mm
    up = spacing[2]
    levels = {"shafts": -90, "necks": -35, "heads": -18, "sacrum": 60}
    for panel, (name, mm) in zip(panels[[0, 1, 2, 3]], levels.items(), strict=True):
        z = int(np.clip(top + mm / up, 0, len(ct.array) - 1))
        _show(panel, ct.array[z], labels.array[z], spacing[1] / spacing[0], False, f"axial, {name}")
    heads = labels.array[int(top - 30 / up) : top] >= FEMUR_R
    y = int(np.median(np.nonzero(heads)[1]))
    sacrum = min(y + int(45 / spacing[1]), ct.array.shape[1] - 1)
    for panel, (name, at) in zip(
        panels[[5, 6]], {"heads": y, "sacrum": sacrum}.items(), strict=True
    ):
        aspect = up / spacing[0]
        _show(panel, ct.array[:, at], labels.array[:, at], aspect, True, f"coronal, {name}")
    for panel, (name, label) in zip(
        panels[[7, 8]], {"right hip": FEMUR_R, "left hip": FEMUR_L}.items(), strict=True
    ):
        x = int(np.median(np.nonzero(labels.array[int(top - 30 / up) : top] == label)[2]))
        aspect = up / spacing[1]
        _show(panel, ct.array[:, :, x], labels.array[:, :, x], aspect, True, f"sagittal, {name}")
    for panel, behind in zip(panels[[4, 9]], (False, True), strict=True):
        panel.imshow(surface_picture(labels, behind, pixel_mm=0.6))
        panel.set_title("from behind" if behind else "from the front", fontsize=9)
    for panel in panels:
        panel.set_axis_off()
    figure.savefig(path, dpi=80)


def _around_bones(ct: Volume, labels: Volume) -> tuple[Volume, Volume]:
    """Both cut to the bones with some of the body around them, at all heights."""
    bones = labels.array > 0
    _, y, x = bounding_slices(bones, int(MARGIN_MM / labels.spacing_mm[0]))
    every = slice(0, len(bones))
    return ct.crop(every, y, x), labels.crop(every, y, x)


def _show(
    panel: Axes, grey: NDArray, marked: NDArray, aspect: float, upwards: bool, title: str
) -> None:
    origin: Literal["lower", "upper"] = "lower" if upwards else "upper"
    panel.imshow(grey, cmap="gray", vmin=-200, vmax=800, aspect=aspect, origin=origin)
    for label, colour in LINES.items():
        if (marked == label).any():
            panel.contour(marked == label, levels=[0.5], colors=[colour], linewidths=0.8)
    panel.set_title(title, fontsize=9)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("ct", "labels", "out"):
        parser.add_argument(name, type=Path)
    args = parser.parse_args()
    draw(args.out, read_volume(args.ct), read_volume(args.labels))
