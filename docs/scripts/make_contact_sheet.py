"""Draw docs/images/virtual_cohort_*.jpg: virtual subjects as a hospital would see them.

    python docs/scripts/make_contact_sheet.py config/virtual305.yaml --workers 2

Every subject is simulated to DICOM and read back by the import stage's functions, so that the sheet
shows what the pipeline sees.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.ndimage import zoom

from bmdpipe.core.atomic import read_json
from bmdpipe.core.config.imaging import ImagingConfig
from bmdpipe.core.config.loading import load_config
from bmdpipe.core.config.virtual.cohort import VirtualConfig
from bmdpipe.core.files import CT_SERIES, DXA, RADIOGRAPH_DICOM, TRUE_DENSITY, TRUE_LABELS
from bmdpipe.core.labels import SIDES, femur_body, femur_label
from bmdpipe.core.volume import Volume
from bmdpipe.geometry.camera import Camera
from bmdpipe.imaging.ct import read_ct
from bmdpipe.imaging.nifti import read_volume
from bmdpipe.imaging.radiograph import read_radiograph
from bmdpipe.projection.body import Body
from bmdpipe.projection.density import density_projection
from bmdpipe.virtual.cohort import subject_name
from bmdpipe.virtual.demographics import person_of
from bmdpipe.virtual.hip.disease import draw_disease
from bmdpipe.virtual.subject import simulate_subject

TARGET = Path(__file__).parents[1] / "images"
WINDOW_HU = (-200.0, 800.0)
AIR_BELOW_HU = -400.0
PANEL_PX = 420
PER_SHEET = 4
CHOICE = (1, 2, 3, 4, 6, 7, 8, 9, 11, 12, 13, 14)
"""The first subjects of the cohort; the command's --subjects takes others."""
PELVIS_LABEL = 1
SEX = {"F": "woman", "M": "man"}


@dataclass(frozen=True)
class Panel:
    title: str
    image: NDArray[np.float32]
    low: float
    high: float


@dataclass(frozen=True)
class Strip:
    """One subject's row of panels under a caption."""

    caption: str
    panels: tuple[Panel, ...]


def strip_of(config: VirtualConfig, number: int) -> Strip:
    """Simulate a subject, read it back, and cut the panels."""
    subject = subject_name(config, number)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        truth = simulate_subject(config, subject, folder, False, config.positionings)
        ct = read_ct(folder / CT_SERIES, subject, ImagingConfig()).volume
        side = person_of(config, number).side
        panels = [*_slices(ct, truth, side)]
        panels.append(_bones(folder, truth, config.positionings[0]))
        for name in config.positionings:
            path = folder / RADIOGRAPH_DICOM.format(radiograph=name)
            grey = read_radiograph(path, subject, ImagingConfig(), side).image.array
            panels.append(Panel(f"radiograph, {name}", _shrunk(grey), 0.0, 1.0))
        dxa = read_json(folder / DXA)["abmd_g_cm2"]
    return Strip(_caption(config, number, subject, dxa), tuple(panels))


def _caption(config: VirtualConfig, number: int, subject: str, dxa: float) -> str:
    person = person_of(config, number)
    disease = draw_disease(config.disease, person, config.seed)
    grades = ", ".join(f"{side} {disease[side].grade}" for side in SIDES)
    words = [
        f"Virtual subject {subject}",
        f"{SEX[person.sex]}, {person.age_years:.0f} years",
        f"BMI {person.bmi:.1f} kg/m²",
        f"aBMD {dxa:.3f} g/cm² ({person.side})",
        f"Kellgren-Lawrence {grades}",
    ]
    words += [f"implant {side}" for side in SIDES if disease[side].implant]
    return "   ·   ".join(words)


def _slices(ct: Volume, truth: dict[str, Any], side: str) -> tuple[Panel, Panel]:
    """Axial through the examined head's centre, coronal through the middle of both heads."""
    heads = {s: np.array(truth["landmarks"][s]["head_centre"]) for s in SIDES}
    k = round(float(ct.index_at(heads[side])[2]))
    middle = 0.5 * (heads["R"] + heads["L"])
    j = round(float(ct.index_at(middle)[1]))
    sx, sy, sz = ct.spacing_mm
    axial = _body(ct.array[np.clip(k, 0, len(ct.array) - 1)].astype(np.float32))
    coronal = ct.array[::-1, j].astype(np.float32)
    return (
        Panel("CT, axial", _shrunk(axial, sy / sx), *WINDOW_HU),
        Panel("CT, coronal", _shrunk(coronal, sz / sx), *WINDOW_HU),
    )


def _body(axial: NDArray[np.float32]) -> NDArray[np.float32]:
    """A slice without the air around patient and phantom."""
    filled = axial > AIR_BELOW_HU
    rows, columns = (np.flatnonzero(filled.mean(axis=axis) > 0.02) for axis in (1, 0))
    return axial[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _bones(folder: Path, truth: dict[str, Any], positioning: str) -> Panel:
    """All bones' true density, projected at the true poses of one radiograph."""
    density, labels = read_volume(folder / TRUE_DENSITY), read_volume(folder / TRUE_LABELS)
    seen = truth["radiographs"][positioning]
    camera = Camera.from_json(seen["camera"])
    width, height = camera.size_px
    small = camera.resized((PANEL_PX, round(PANEL_PX * height / width)))
    names = {"pelvis": PELVIS_LABEL} | {femur_body(s): femur_label(s) for s in SIDES}
    bodies = [
        (Body.from_volume(density, labels.array == label), np.array(seen["camera_from_ct"][name]))
        for name, label in names.items()
    ]
    image = density_projection(bodies, small)
    return Panel("bone density, projected", image, 0.0, float(np.percentile(image, 99.7)))


def _shrunk(image: NDArray, aspect: float = 1.0) -> NDArray[np.float32]:
    """To the panel's width, with square pixels; `aspect` is row over column spacing."""
    height, width = image.shape
    factor = PANEL_PX / width
    whole = max(int(1 / factor), 1)
    if whole > 1 and aspect == 1.0:
        h, w = height // whole * whole, width // whole * whole
        image = image[:h, :w].reshape(h // whole, whole, w // whole, whole).mean(axis=(1, 3))
        factor = PANEL_PX / image.shape[1]
    return zoom(np.asarray(image, np.float32), (factor * aspect, factor), order=1)


def sheet(strips: list[Strip], path: Path) -> None:
    """One row of panels per subject, its caption above."""
    columns = len(strips[0].panels)
    inch, gap = 2.0, 0.36
    tallest = [max(p.image.shape[0] / p.image.shape[1] for p in s.panels) for s in strips]
    heights = [inch * ratio + gap + 0.2 for ratio in tallest]
    figure = Figure(figsize=(columns * inch + 0.3, sum(heights) + 0.3), facecolor="white")
    total = figure.get_figheight()
    top = total - 0.1
    for strip, height in zip(strips, heights, strict=True):
        figure.text(
            0.2 / figure.get_figwidth(), (top - 0.06) / total, strip.caption,
            fontsize=10.5, fontweight="bold", va="top",
        )  # fmt: skip
        for place, panel in enumerate(strip.panels):
            tall = (inch - 0.08) * panel.image.shape[0] / panel.image.shape[1]
            left, upper = 0.15 + place * inch + 0.04, top - gap - 0.16
            box = (
                left / figure.get_figwidth(),
                (upper - tall) / total,
                (inch - 0.08) / figure.get_figwidth(),
                tall / total,
            )
            axes = figure.add_axes(box)
            axes.imshow(panel.image, cmap="gray", vmin=panel.low, vmax=panel.high, aspect="auto")
            axes.set_title(panel.title, fontsize=8, pad=2.5, color="0.25")
            axes.set_axis_off()
        top -= height
    figure.text(
        0.2 / figure.get_figwidth(), 0.1 / total,
        "Made from a seed: no patients, no clinical evidence. Radiographs and bone projection: the "
        "patient's left is on the right. CT window "
        f"{WINDOW_HU[0]:.0f} to {WINDOW_HU[1]:.0f} HU.", fontsize=8.5, color="0.3",
    )  # fmt: skip
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=150, pil_kwargs={"quality": 80, "optimize": True})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", type=Path)
    parser.add_argument("--subjects", type=int, nargs="+", default=list(CHOICE))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=TARGET)
    options = parser.parse_args()
    logging.getLogger("bmdpipe").setLevel(logging.WARNING)
    config = load_config(options.config).virtual
    numbers = options.subjects
    with ProcessPoolExecutor(options.workers) as pool:
        strips = list(pool.map(strip_of, [config] * len(numbers), numbers))
    for number, start in enumerate(range(0, len(strips), PER_SHEET), start=1):
        sheet(strips[start : start + PER_SHEET], options.folder / f"virtual_cohort_{number}.jpg")


if __name__ == "__main__":
    main()
