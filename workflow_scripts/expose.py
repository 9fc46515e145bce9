"""Compute radiographs of one subject from the CT, at known poses."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bmdpipe.core.atomic import read_json, write_json
from bmdpipe.core.config.ct_only import CtOnlyConfig
from bmdpipe.core.config.virtual.cohort import VirtualConfig
from bmdpipe.core.files import CALIBRATION, CT, KNOWN_POSES, LABELS, QC, RADIOGRAPH
from bmdpipe.core.labels import BODIES
from bmdpipe.core.metrics import Metrics
from bmdpipe.core.provenance import digest
from bmdpipe.geometry.pose import about
from bmdpipe.imaging.nifti import read_volume, write_image
from bmdpipe.projection.picture import grey, write_png
from bmdpipe.virtual.xray.collimation import Field
from bmdpipe.virtual.xray.equipment import draw_room
from bmdpipe.virtual.xray.from_ct import (
    bones_centre,
    covered_field,
    frontal_view,
    radiograph_from_ct,
)
from workflow_scripts.job import Job, Outcome, run_case


def expose_subject(job: Job, out: Path) -> Outcome:
    config = job.section("ct_only", CtOnlyConfig)
    hospital = job.section("virtual", VirtualConfig)
    subject = job.keys["subject"]
    ct = read_volume(job.at("import") / CT)
    labels = read_volume(job.at("segment") / LABELS)
    slope = read_json(job.at("calibrate") / CALIBRATION)["slope"]
    room, settings = draw_room(hospital, config.room), hospital.radiograph
    centre = bones_centre(labels)
    camera, frontal = frontal_view(ct, centre, settings, config.pixel_mm, config.width_px)
    known, pictures, values = {}, [], {}
    for name, turn in config.views.items():
        pose = frontal @ about(centre, np.array(turn), np.zeros(3))
        rng = np.random.default_rng([config.seed, int(digest(f"{subject}/{name}"), 16)])
        field = covered_field(ct, centre, camera, pose)
        taken = radiograph_from_ct(
            ct, camera, pose, room, settings, rng, mg_per_hu=slope, field=field
        )
        meta = {
            "sdd_mm": camera.sdd_mm,
            "sdd_source": "simulated",
            "spacing_source": "simulated",
            "positioning": "supine",
            "camera": camera.to_json(),
            "field_px": whole_pixels(field),
            "simulated_from": "ct",
        }
        write_image(out / RADIOGRAPH.format(radiograph=name), taken.image, meta)
        known[name] = {
            "camera": camera.to_json(),
            "camera_from_ct": {body: pose.tolist() for body in BODIES},
        }
        values[f"mas_{name}"] = taken.technique.mas
        pictures.append(grey(taken.image.array[::2, ::2]))
    write_json(out / KNOWN_POSES, known)
    write_png(out / QC, np.concatenate(pictures, axis=1))
    return Outcome(Metrics(params={"room": room.number}, values=values, artefacts=(QC,)))


def whole_pixels(field: Field) -> list[int]:
    """Left, top, right, bottom of the pixels that lie inside."""
    left, top, right, bottom = field.edges
    return [int(np.ceil(left)), int(np.ceil(top)), int(right), int(bottom)]


if __name__ == "__main__":
    run_case("expose", expose_subject, needs=("import", "calibrate", "segment", "roi"))
