"""Find one subject's proximal-femur regions and measure their BMD."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bmdpipe.core.atomic import read_json, write_json
from bmdpipe.core.config.roi import RoiConfig
from bmdpipe.core.errors import CaseError, CaseWarning
from bmdpipe.core.files import (
    CALIBRATION,
    DENSITY,
    LABELS,
    LANDMARKS_FILE,
    MARKUPS,
    QC,
    REGION,
    ROI,
    SUBJECT,
)
from bmdpipe.core.labels import SIDES, femur_body, femur_label
from bmdpipe.core.metrics import Metrics
from bmdpipe.core.volume import Volume
from bmdpipe.densitometry.femur import FemurLandmarks, corrected, find_landmarks, trusted
from bmdpipe.densitometry.markups import read_markups, write_markups
from bmdpipe.densitometry.phantoms import PHANTOMS
from bmdpipe.densitometry.proximal_femur import ProximalFemur, measure_femur
from bmdpipe.densitometry.roi_picture import draw_regions
from bmdpipe.densitometry.tscore import t_scores
from bmdpipe.imaging.nifti import read_volume, write_volume
from workflow_scripts.job import Job, Outcome, run_case


def measure_subject(job: Job, out: Path) -> Outcome:
    config = job.section("roi", RoiConfig)
    described = read_json(job.at("import") / SUBJECT)
    target = described["side"]
    labels = read_volume(job.at("segment") / LABELS)
    density = read_volume(job.at("calibrate") / DENSITY)
    method = read_json(job.at("calibrate") / CALIBRATION)["method"]
    found: dict[str, ProximalFemur] = {}
    warnings: list[CaseWarning] = []
    for side in (side for side in SIDES if side not in described["metal_sides"]):
        try:
            landmarks = _landmarks(job, labels, side)
            # Written before they are judged: a person can correct what is refused.
            kind = f"{landmarks.source}, confidence {landmarks.confidence:.2f}"
            write_markups(out / MARKUPS.format(body=femur_body(side)), landmarks.points, kind)
            name = f"{job.keys['subject']}/{side}"
            landmarks = trusted(landmarks, name, config.min_confidence, config.warn_confidence)
            found[side] = measure_femur(
                density, labels, side, landmarks, job.keys["subject"], config
            )
        except CaseError as error:
            if side == target:
                raise
            warnings.append(CaseWarning("W_LANDMARKS", f"{error}; the other hip is measured"))
    warnings += [warning for femur in found.values() for warning in femur.landmarks.warnings]

    region = np.zeros(labels.array.shape, np.uint8)
    values: dict[str, float] = {}
    measured: dict[str, Any] = {}
    for side, femur in found.items():
        region[femur.region] = femur_label(side)
        # Without a phantom densities are not those that a reference population was measured in.
        scores = t_scores(femur.areal, config.t_score_references) if method in PHANTOMS else {}
        values[f"confidence_{side}"] = femur.landmarks.confidence
        values |= {f"{name}_{side}": value for name, value in femur.to_json().items()}
        values |= {f"t_score_{name}_{side}": float(s["t_score"]) for name, s in scores.items()}
        measured[side] = {**femur.to_json(), "calibration": method, "t_scores": scores}
    write_json(out / LANDMARKS_FILE, {side: f.landmarks.to_json() for side, f in found.items()})
    write_json(out / ROI, measured)
    write_volume(out / REGION, labels.like(region, labels.unit))
    draw_regions(out / QC, {side: (femur.view, femur.caption) for side, femur in found.items()})
    sources = {f"landmarks_{side}": femur.landmarks.source for side, femur in found.items()}
    params = {"target_side": target, "calibration": method, **sources}
    return Outcome(Metrics(params=params, values=values, artefacts=(QC,)), warnings=tuple(warnings))


def _landmarks(job: Job, labels: Volume, side: str) -> FemurLandmarks:
    """Those in the subject's folder of corrected landmarks, and where there are none its own."""
    subject, folder = job.keys["subject"], job.row.get("landmarks")
    path = Path(folder) / MARKUPS.format(body=femur_body(side)) if folder else None
    if path is not None and path.is_file():
        return corrected(read_markups(path, f"{subject}/{side}"), labels, side, subject)
    return find_landmarks(labels, side, subject)


if __name__ == "__main__":
    run_case("roi", measure_subject, needs=("import", "calibrate", "segment"))
