"""Project one subject's bone density along the rays of each registered radiograph."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.atomic import read_json
from bmdpipe.core.config.projection import ProjectionConfig
from bmdpipe.core.errors import CaseError
from bmdpipe.core.files import (
    BONES,
    BONES_CT,
    CT,
    DENSITY,
    LABELS,
    POSES,
    PROXIMAL_FEMUR,
    PROXIMAL_FEMUR_CT,
    QC,
    RADIOGRAPH,
    REGION,
    SUBJECT,
)
from bmdpipe.core.image import Image
from bmdpipe.core.labels import BODIES, femur_body, femur_label
from bmdpipe.core.metrics import Metrics
from bmdpipe.core.volume import Volume
from bmdpipe.geometry.camera import Camera
from bmdpipe.imaging.nifti import read_image, read_volume, write_image
from bmdpipe.projection.body import Body
from bmdpipe.projection.density import density_projection
from bmdpipe.projection.montage import montage_row
from bmdpipe.projection.picture import write_png
from workflow_scripts.job import Job, Outcome, run_case

HU_CM = "HU cm"
"""Of projections of uncalibrated CT, on the scale of mg/cm2 if 1 HU were 1 mg/cm3."""


@dataclass(frozen=True)
class Kind:
    """What is projected: file names and unit of bones and proximal femur, and their bodies."""

    bones: str
    pf: str
    unit: str
    bodies: dict[str, Body]
    proximal: Body


def project(job: Job, out: Path) -> Outcome:
    config = job.section("projection", ProjectionConfig)
    side = read_json(job.at("import") / SUBJECT)["side"]
    target, label = femur_body(side), femur_label(side)
    labels = read_volume(job.at("segment") / LABELS).array
    region = read_volume(job.at("roi") / REGION).array == label
    density = read_volume(job.at("calibrate") / DENSITY)
    kinds = [Kind(BONES, PROXIMAL_FEMUR, "mg/cm2", *_bodies(density, labels, region))]
    if config.uncalibrated:
        plain = read_volume(job.at("import") / CT)
        kinds.append(Kind(BONES_CT, PROXIMAL_FEMUR_CT, HU_CM, *_bodies(plain, labels, region)))

    rows, means = [], []
    for radiograph, found in sorted(read_json(job.at("register") / POSES).items()):
        placed = {n: np.asarray(b["camera_from_ct"]) for n, b in found["bodies"].items() if b["ok"]}
        if "pelvis" not in placed or target not in placed:
            continue
        full = Camera.from_json(found["camera"])
        camera = full.resized(field_of_view(full, config.pixel_mm))
        meta = {"camera": camera.to_json(), "bodies": sorted(placed), "side": side}
        made = []
        for kind in kinds:
            bones = density_projection(
                [(kind.bodies[n], pose) for n, pose in placed.items()], camera, config.engine
            )
            pf = density_projection([(kind.proximal, placed[target])], camera, config.engine)
            for name, array in ((kind.bones, bones), (kind.pf, pf)):
                image = Image(array, camera.spacing_mm, kind.unit)
                write_image(out / name.format(radiograph=radiograph), image, meta)
            made.append((bones, pf))
        means.append(mean_of_nonzero(made[0][1]))
        picture = read_image(
            job.at(job.config["radiographs"]) / RADIOGRAPH.format(radiograph=radiograph)
        )
        rows.append(montage_row(picture.array, *made[0]))
    if not rows:
        raise CaseError(
            "E_REGISTRATION", job.keys["subject"], "no radiograph of this subject was registered"
        )
    write_png(out / QC, stacked(rows))
    return Outcome(
        Metrics(
            values={"pf_mean_mg_cm2": float(np.mean(means)), "radiographs": float(len(means))},
            artefacts=(QC,),
        )
    )


def _bodies(volume: Volume, labels: NDArray, region: NDArray) -> tuple[dict[str, Body], Body]:
    """Each bone, and the proximal femur. Fatty marrow lies below water in CT and would count as
    negative mineral, which does not exist."""
    positive = volume.like(np.clip(volume.array, 0, None), volume.unit)
    bones = {
        name: Body.from_volume(positive, labels == value)
        for name, value in BODIES.items()
        if (labels == value).any()
    }
    return bones, Body.from_volume(positive, region)


def field_of_view(camera: Camera, pixel_mm: float) -> tuple[int, int]:
    """Pixels of about `pixel_mm` that cover the detector."""
    (width, height), (sx, sy) = camera.size_px, camera.spacing_mm
    return max(1, round(width * sx / pixel_mm)), max(1, round(height * sy / pixel_mm))


def mean_of_nonzero(image: NDArray) -> float:
    """0 for an image of zeros."""
    inside = image[image > 0]
    return float(inside.mean()) if inside.size else 0.0


def stacked(rows: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Pictures of different widths under one another, black to the right."""
    width = max(row.shape[1] for row in rows)
    return np.concatenate([np.pad(r, ((0, 4), (0, width - r.shape[1]), (0, 0))) for r in rows])


if __name__ == "__main__":
    run_case("project", project, needs=("import", "calibrate", "segment", "roi", "register"))
