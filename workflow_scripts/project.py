"""Project one subject's bone density along the rays of each registered radiograph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.atomic import read_json
from bmdpipe.core.config.projection import ProjectionConfig
from bmdpipe.core.errors import CaseError
from bmdpipe.core.files import (
    BONES,
    DENSITY,
    LABELS,
    POSES,
    PROXIMAL_FEMUR,
    QC,
    RADIOGRAPH,
    REGION,
    SUBJECT,
)
from bmdpipe.core.image import Image
from bmdpipe.core.labels import BODIES, femur_body, femur_label
from bmdpipe.core.metrics import Metrics
from bmdpipe.geometry.camera import Camera
from bmdpipe.imaging.nifti import read_image, read_volume, write_image
from bmdpipe.projection.body import Body
from bmdpipe.projection.density import density_projection
from bmdpipe.projection.montage import montage_row
from bmdpipe.projection.picture import write_png
from workflow_scripts.job import Job, Outcome, run_case


def project(job: Job, out: Path) -> Outcome:
    config = job.section("projection", ProjectionConfig)
    side = read_json(job.at("import") / SUBJECT)["side"]
    target, label = femur_body(side), femur_label(side)
    density = read_volume(job.at("calibrate") / DENSITY)
    # Fatty marrow lies below water in CT and would count as negative mineral, which does not exist.
    density = density.like(np.clip(density.array, 0, None), density.unit)
    labels = read_volume(job.at("segment") / LABELS).array
    region = read_volume(job.at("roi") / REGION).array == label
    bodies = {
        name: Body.from_volume(density, labels == value)
        for name, value in BODIES.items()
        if (labels == value).any()
    }
    proximal = Body.from_volume(density, region)

    rows, means = [], []
    for radiograph, found in sorted(read_json(job.at("register") / POSES).items()):
        placed = {n: np.asarray(b["camera_from_ct"]) for n, b in found["bodies"].items() if b["ok"]}
        if "pelvis" not in placed or target not in placed:
            continue
        full = Camera.from_json(found["camera"])
        camera = full.resized(field_of_view(full, config.pixel_mm))
        bones = density_projection([(bodies[n], pose) for n, pose in placed.items()], camera)
        pf = density_projection([(proximal, placed[target])], camera)
        meta = {"camera": camera.to_json(), "bodies": sorted(placed), "side": side}
        for name, array in ((BONES, bones), (PROXIMAL_FEMUR, pf)):
            image = Image(array, camera.spacing_mm, "mg/cm2")
            write_image(out / name.format(radiograph=radiograph), image, meta)
        means.append(mean_of_nonzero(pf))
        picture = read_image(
            job.at(job.config["radiographs"]) / RADIOGRAPH.format(radiograph=radiograph)
        )
        rows.append(montage_row(picture.array, bones, pf))
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
