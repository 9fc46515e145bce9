"""Register the bones of a real CT to radiographs simulated from the whole CT at known poses.

    python docs/scripts/registration_real_anatomy.py ct.nii.gz labels.nii.gz rows.jsonl --count 10 \
        [--pictures DIR]

The radiographs hold the whole body (soft tissue, gas, the other bones) in the virtual X-ray room's
looks; each is turned and shifted at random. The moving bones come from the label map of the
segmentation network. Density is 0.8 mg/cm3 per HU, for there is no phantom.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np

from bmdpipe.core.config.registration import RegistrationConfig
from bmdpipe.core.config.virtual.cohort import VirtualConfig
from bmdpipe.evaluation.stages.registration import pose_errors
from bmdpipe.geometry.pose import about, apply
from bmdpipe.imaging.exposed_field import exposed
from bmdpipe.imaging.nifti import read_volume
from bmdpipe.projection.picture import write_png
from bmdpipe.registration.bones import prepare_bones
from bmdpipe.registration.film import Film
from bmdpipe.registration.overlay import overlay, silhouettes
from bmdpipe.registration.register import register_radiograph
from bmdpipe.virtual.xray.equipment import draw_room
from bmdpipe.virtual.xray.from_ct import frontal_view, radiograph_from_ct

MG_PER_HU = 0.8
TURN_DEG, SHIFT_MM = (5.0, 5.0, 5.0), (15.0, 15.0, 30.0)
"""The body's turns and shifts are uniform within these."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ct", type=Path)
    parser.add_argument("labels", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--pictures", type=Path)
    args = parser.parse_args()
    ct, labels = read_volume(args.ct), read_volume(args.labels)
    config, virtual = RegistrationConfig(), VirtualConfig()
    density = ct.like((MG_PER_HU * ct.array.astype(np.float32)).astype(np.int16), "mg/cm3")
    bones, shapes = prepare_bones(density, labels, config), silhouettes(labels)
    centre = bones["pelvis"].centre_mm
    with args.output.open("a", encoding="utf-8") as stream:
        for number in range(args.count):
            rng = np.random.default_rng([7, number])
            camera, frontal = frontal_view(
                ct, centre, virtual.radiograph, spacing_mm=0.36, width_px=1200
            )
            at, turn = apply(frontal, centre), rng.uniform(-1, 1, 3) * TURN_DEG
            truth = about(at, turn, rng.uniform(-1, 1, 3) * SHIFT_MM) @ frontal
            room = draw_room(virtual, number % virtual.radiograph.rooms)
            shot = radiograph_from_ct(
                ct, camera, truth, room, virtual.radiograph, rng, mg_per_hu=MG_PER_HU
            )
            inside = exposed(shot.image, None)
            seen = shot.image.like(np.where(inside, shot.image.array, np.nan), shot.image.unit)
            cpu = time.process_time()
            found = register_radiograph(Film(seen, shot.camera, config), bones, rng)
            cpu = time.process_time() - cpu
            for name, pose in found.bodies.items():
                errors = pose_errors(
                    found.camera, pose.camera_from_ct, camera, truth, bones[name].surface_mm
                )
                row = {"case": "nominal", "subject": "real CT", "positioning": str(number)}
                row |= {"body": name, "ok": pose.ok, "confidence": pose.confidence, "cpu_s": cpu}
                row |= asdict(pose.signs) | errors
                row["success"] = errors["reprojection_median_mm"] < 1.0
                stream.write(json.dumps(row, default=float) + "\n")
            stream.flush()
            if args.pictures:
                write_png(args.pictures / f"{number}.png", overlay(shot.image, found, shapes))


if __name__ == "__main__":
    main()
