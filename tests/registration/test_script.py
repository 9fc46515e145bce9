"""The register script hides what the collimator shut, and leaves out femora with metal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bmdpipe.core.atomic import read_json, write_json
from bmdpipe.core.files import DENSITY, LABELS, POSES, RADIOGRAPH, SUBJECT
from bmdpipe.core.image import Image
from bmdpipe.core.layout import Layout
from bmdpipe.imaging.nifti import write_image, write_volume
from bmdpipe.registration.body_search import reprojection_mm
from workflow_scripts.job import Job
from workflow_scripts.register import register

FIELD = (20, 14, 232, 186)


def shut(image: Image, value: float) -> Image:
    left, top, right, bottom = FIELD
    array = np.full_like(image.array, value)
    array[top:bottom, left:right] = image.array[top:bottom, left:right]
    return image.like(array, image.unit)


@pytest.fixture
def job(patient, tmp_path: Path) -> Job:
    """A subject whose left hip holds an implant."""
    config = {
        "registration": patient.config.model_dump(mode="json"),
        "radiographs": "import",
    }
    job = Job("register", Layout(str(tmp_path), "c"), {"subject": "S1"}, config, {}, 1, "")
    for stage in ("import", "segment", "calibrate"):
        job.at(stage).mkdir(parents=True)
    write_json(job.at("import") / SUBJECT, {"side": "R", "metal_sides": ["L"]})
    write_volume(job.at("segment") / LABELS, patient.labels)
    write_volume(job.at("calibrate") / DENSITY, patient.density)
    return job


@pytest.mark.parametrize("named", [True, False])
def test_a_shutter_costs_nothing(patient, job, tmp_path, named):
    """Whether the header names the field or not: as with the open picture, each pelvis is within 1
    mm, each femur within 3 mm."""
    rng = np.random.default_rng(100)
    truth = patient.true_poses(rng)
    image = shut(patient.radiograph(truth, rng), 3.0)
    path = job.at("import") / RADIOGRAPH.format(radiograph="supine")
    path.parent.mkdir()
    meta = {"camera": patient.camera.to_json(), "field_px": list(FIELD) if named else None}
    meta["sdd_source"] = "header"
    write_image(path, image, meta)
    out = tmp_path / "out"
    out.mkdir()
    register(job, out)
    bodies = read_json(out / POSES)["supine"]["bodies"]
    assert set(bodies) == {"pelvis", "femur_r"}
    for name, body in bodies.items():
        assert body["ok"], name
        pose, points = np.array(body["camera_from_ct"]), patient.bones[name].surface_mm
        error = reprojection_mm(patient.camera, truth[name], patient.camera, pose, points)
        assert error < (1.0 if name == "pelvis" else 3.0)
