"""Register one subject's bones to each of its radiographs."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from bmdpipe.core.atomic import read_json, write_json
from bmdpipe.core.config.registration import RegistrationConfig
from bmdpipe.core.errors import CaseError, CaseWarning
from bmdpipe.core.files import (
    CHECKERBOARD,
    CONVERGENCE,
    DENSITY,
    LABELS,
    OVERLAY,
    POSES,
    RADIOGRAPH,
    SUBJECT,
)
from bmdpipe.core.labels import femur_body
from bmdpipe.core.metrics import Metrics
from bmdpipe.core.provenance import digest
from bmdpipe.core.records import Refusal
from bmdpipe.geometry.camera import Camera
from bmdpipe.imaging.exposed_field import exposed
from bmdpipe.imaging.nifti import read_image, read_meta, read_volume
from bmdpipe.projection.picture import write_png
from bmdpipe.registration.bones import prepare_bones
from bmdpipe.registration.film import Film
from bmdpipe.registration.overlay import checkerboard, convergence, overlay, silhouettes
from bmdpipe.registration.register import Registration, register_radiograph
from workflow_scripts.job import Job, Outcome, run_case


def register(job: Job, out: Path) -> Outcome:
    config = job.section("registration", RegistrationConfig)
    subject = job.keys["subject"]
    described = read_json(job.at("import") / SUBJECT)
    target = femur_body(described["side"])
    labels = read_volume(job.at("segment") / LABELS)
    bones = prepare_bones(read_volume(job.at("calibrate") / DENSITY), labels, config)
    for side in described["metal_sides"]:
        # What is left of a femur around a stem is not what the radiograph shows of it.
        bones.pop(femur_body(side), None)
    for name in ("pelvis", target):
        if name not in bones:
            raise CaseError("E_SEGMENTATION", subject, f"there is no {name} to register")
    shapes = silhouettes(labels)

    poses, parts, warnings = {}, [], []
    registrations: dict[str, Registration] = {}
    seconds = 0.0
    for file in (OVERLAY, CHECKERBOARD):
        (out / file).parent.mkdir()
    pattern = job.at(job.config["radiographs"]) / RADIOGRAPH.format(radiograph="*")
    for path in sorted(pattern.parent.glob(pattern.name)):
        radiograph = path.name.removesuffix(".nii.gz")
        case = f"{subject}/{radiograph}"
        image, meta = read_image(path), read_meta(path)
        inside = exposed(image, meta["field_px"])
        seen = image.like(np.where(inside, image.array, np.nan), image.unit)
        film = Film(seen, Camera.from_json(meta["camera"]), config, meta["sdd_source"] == "header")
        rng = np.random.default_rng([config.seed, int(digest(case), 16)])
        start = time.perf_counter()
        found = register_radiograph(film, bones, rng)
        seconds += time.perf_counter() - start
        registrations[radiograph] = found
        poses[radiograph] = described_registration(found)
        write_png(out / OVERLAY.format(radiograph=radiograph), overlay(image, found, shapes))
        board = checkerboard(seen, found, bones, config.refinement_pixel_mm[-1])
        write_png(out / CHECKERBOARD.format(radiograph=radiograph), board)
        bad = [name for name, pose in found.bodies.items() if not pose.ok]
        if "pelvis" in bad or target in bad:
            hint = f"the pose of {', '.join(bad)} is not to be trusted: see the overlay"
            parts.append(Refusal(case, "register", "E_REGISTRATION", hint))
        elif bad:
            warnings.append(CaseWarning("W_REGISTRATION", f"{case}: {', '.join(bad)}"))
    if not poses:
        raise CaseError("E_MISSING_FILE", subject, "no radiograph was imported")
    write_json(out / POSES, poses)
    convergence(out / CONVERGENCE, registrations)
    bodies = [pose for found in registrations.values() for pose in found.bodies.values()]
    return Outcome(
        Metrics(
            values={
                "similarity_median": float(np.median([pose.signs.similarity for pose in bodies])),
                "confidence_least": min(pose.confidence for pose in bodies),
                "seconds_per_body": seconds / len(bodies),
                "failed": float(sum(not pose.ok for pose in bodies)),
            },
            artefacts=tuple(OVERLAY.format(radiograph=name) for name in poses),
        ),
        warnings=tuple(warnings),
        parts=tuple(parts),
    )


def described_registration(found: Registration) -> dict[str, Any]:
    """What the poses file holds of one radiograph; a sign that is not finite is null."""
    return {
        "camera": found.camera.to_json(),
        "joints_deg": {side: asdict(angles) for side, angles in found.joints.items()},
        "bodies": {
            name: {
                "camera_from_ct": pose.camera_from_ct.tolist(),
                **{k: v if np.isfinite(v) else None for k, v in asdict(pose.signs).items()},
                "confidence": pose.confidence,
                "ok": pose.ok,
            }
            for name, pose in found.bodies.items()
        },
    }


if __name__ == "__main__":
    run_case("register", register, needs=("import", "calibrate", "segment"))
