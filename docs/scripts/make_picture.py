"""Draw the README's picture from a finished demo: `make_picture.py results/demo V013`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.image import imread
from safetensors import safe_open

from bmdpipe.core.files import OVERLAY, PREDICTED_PROJECTIONS
from bmdpipe.imaging.nifti import read_image

TARGET = Path(__file__).parents[1] / "images" / "demo.png"


def projections_of(cohort: Path, subject: str) -> tuple[np.ndarray, np.ndarray]:
    """Predicted and true projection of a subject's standing radiograph, held out."""
    for folder in sorted((cohort / "predict" / "decomposition").glob("fold*")):
        with safe_open(folder / PREDICTED_PROJECTIONS, framework="numpy") as file:
            cases = json.loads(file.metadata()["cases"])
            for row, case in enumerate(cases):
                if case.startswith(f"{subject}/standing/"):
                    return file.get_slice("pf_pred")[row], file.get_slice("pf_true")[row]
    raise SystemExit(f"{subject} has no held-out standing radiograph in {cohort}")


def main(cohort: Path, subject: str) -> None:
    predicted, true = projections_of(cohort, subject)
    radiograph = read_image(cohort / "import" / subject / "radiographs" / "standing.nii.gz").array
    overlay = imread(cohort / "register" / subject / OVERLAY.format(radiograph="standing"))
    bones = read_image(cohort / "project" / subject / "standing_bones.nii.gz").array
    top = float(np.percentile(true[true > 0], 99.5))
    panels = (
        ("virtual radiograph", radiograph, {"cmap": "gray"}),
        ("CT bones registered to it", overlay, {}),
        ("their density projection", bones, {"cmap": "gray", "vmax": np.percentile(bones, 99.5)}),
        ("proximal femur,\ntrue", true, {"cmap": "inferno", "vmin": 0, "vmax": top}),
        ("predicted,\nheld out", predicted, {"cmap": "inferno", "vmin": 0, "vmax": top}),
    )
    figure = Figure(figsize=(13, 3.9), layout="constrained")
    widths = [image.shape[1] / image.shape[0] for _, image, _ in panels]
    for axes, (title, image, style) in zip(
        figure.subplots(1, len(panels), width_ratios=widths), panels, strict=True
    ):
        shown = axes.imshow(image, **style)
        axes.set_title(title, fontsize=10)
        axes.set_axis_off()
    bar = figure.colorbar(shown, ax=figure.axes[-1], shrink=0.8)
    bar.set_label("mg/cm²")
    figure.suptitle(f"Virtual subject {subject}: no patient, no clinical evidence", fontsize=9)
    TARGET.parent.mkdir(exist_ok=True)
    figure.savefig(TARGET, dpi=90)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
