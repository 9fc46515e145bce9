"""Find one subject's proximal-femur regions and measure their BMD."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bmdpipe.core.atomic import read_json, write_json
from bmdpipe.core.config.roi import RoiConfig
from bmdpipe.core.errors import CaseError, CaseWarning
from bmdpipe.core.files import DENSITY, LABELS, LANDMARKS_FILE, QC, REGION, ROI, SUBJECT
from bmdpipe.core.labels import SIDES, femur_label
from bmdpipe.core.metrics import Metrics
from bmdpipe.densitometry.proximal_femur import ProximalFemur, measure_femur
from bmdpipe.densitometry.roi_picture import draw_regions
from bmdpipe.imaging.nifti import read_volume, write_volume
from workflow_scripts.job import Job, Outcome, run_case


def measure_subject(job: Job, out: Path) -> Outcome:
    config = job.section("roi", RoiConfig)
    described = read_json(job.at("import") / SUBJECT)
    target = described["side"]
    labels = read_volume(job.at("segment") / LABELS)
    density = read_volume(job.at("calibrate") / DENSITY)
    found: dict[str, ProximalFemur] = {}
    warnings: list[CaseWarning] = []
    for side in (side for side in SIDES if side not in described["metal_sides"]):
        try:
            found[side] = measure_femur(density, labels, side, job.keys["subject"], config)
        except CaseError as error:
            if side == target:
                raise
            warnings.append(CaseWarning("W_LANDMARKS", f"{error}; the other hip is measured"))
    warnings += [warning for femur in found.values() for warning in femur.landmarks.warnings]

    region = np.zeros(labels.array.shape, np.uint8)
    values: dict[str, float] = {}
    for side, femur in found.items():
        region[femur.region] = femur_label(side)
        values[f"confidence_{side}"] = femur.landmarks.confidence
        values |= {f"{name}_{side}": value for name, value in femur.to_json().items()}
    landmarks: dict[str, Any] = {side: femur.landmarks.to_json() for side, femur in found.items()}
    write_json(out / LANDMARKS_FILE, landmarks)
    write_json(out / ROI, {side: femur.to_json() for side, femur in found.items()})
    write_volume(out / REGION, labels.like(region, labels.unit))
    draw_regions(out / QC, {side: (femur.view, femur.caption) for side, femur in found.items()})
    metrics = Metrics(params={"target_side": target}, values=values, artefacts=(QC,))
    return Outcome(metrics, warnings=tuple(warnings))


if __name__ == "__main__":
    run_case("roi", measure_subject, needs=("import", "calibrate", "segment"))
