"""Every stage of one virtual subject against its truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.atomic import read_json
from bmdpipe.core.config.evaluation import EvaluationConfig
from bmdpipe.core.files import (
    CALIBRATION,
    LABELS,
    LANDMARKS_FILE,
    POSES,
    PROXIMAL_FEMUR,
    ROI,
    SEGMENTATION,
    SUBJECT,
    TRUE_DENSITY,
    TRUE_LABELS,
    TRUTH,
)
from bmdpipe.core.labels import BODIES
from bmdpipe.core.records import Refusal, read_record
from bmdpipe.core.volume import Volume
from bmdpipe.evaluation.stages.calibration import calibration_errors
from bmdpipe.evaluation.stages.projection import projection_errors, true_femur
from bmdpipe.evaluation.stages.registration import registration_errors
from bmdpipe.evaluation.stages.roi import roi_errors
from bmdpipe.evaluation.stages.segmentation import segmentation_errors, surface_points_mm
from bmdpipe.imaging.nifti import read_image, read_volume

At = Callable[[str], Path]
"""The folder of a stage for the subject."""


@dataclass(frozen=True)
class Measured:
    """What one stage left of one subject: rows of errors, or the refusal; `parts` are refusals of
    parts of the subject."""

    stage: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    refusal: Refusal | None = None
    parts: tuple[Refusal, ...] = ()


def measure_subject(subject: str, at: At, config: EvaluationConfig) -> Iterator[Measured]:
    """Errors of calibrate, segment, roi, register and project, in that order.

    A stage whose record refuses the subject is passed on as refused and not measured.
    """
    truth = read_json(at("simulate") / TRUTH)
    true_labels = read_volume(at("simulate") / TRUE_LABELS)
    stages: dict[str, Callable[[], list[dict[str, Any]]]] = {
        "calibrate": lambda: [
            calibration_errors(read_json(at("calibrate") / CALIBRATION), truth["hu"])
        ],
        "segment": lambda: segmentation_errors(
            read_volume(at("segment") / LABELS),
            true_labels,
            read_json(at("segment") / SEGMENTATION)["structures"],
        ),
        "roi": lambda: roi_errors(
            read_json(at("roi") / LANDMARKS_FILE),
            read_json(at("roi") / ROI),
            truth,
            read_json(at("import") / SUBJECT)["side"],
        ),
        "register": lambda: registration_errors(
            read_json(at("register") / POSES),
            truth["radiographs"],
            bodies_points(true_labels, config.registration_points),
            config.registration_success_mm,
        ),
        "project": lambda: _project(at, truth, true_labels),
    }
    for stage, errors in stages.items():
        record = read_record(at(stage))
        rows = errors() if record.ok else []
        yield Measured(
            stage, [{"subject": subject, **r} for r in rows], record.refusal, record.parts
        )


def _project(at: At, truth: dict[str, Any], true_labels: Volume) -> list[dict[str, Any]]:
    side = read_json(at("import") / SUBJECT)["side"]
    files = {name: PROXIMAL_FEMUR.format(radiograph=name) for name in truth["radiographs"]}
    found = {
        name: read_image(at("project") / file)
        for name, file in files.items()
        if (at("project") / file).exists()
    }
    density = read_volume(at("simulate") / TRUE_DENSITY)
    femur = true_femur(density, true_labels, truth, side)
    return projection_errors(found, femur, truth["radiographs"], side)


def bodies_points(labels: Volume, count: int) -> dict[str, NDArray[np.float64]]:
    """About `count` surface points per body that the labels hold, in the CT's world."""
    points = {}
    for body, value in BODIES.items():
        mask = labels.array == value
        if mask.any():
            surface = surface_points_mm(mask, labels)
            points[body] = surface[:: max(len(surface) // count, 1)]
    return points
