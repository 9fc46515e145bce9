"""A virtual subject on disk: what a hospital would give, and apart from it the truth."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bmdpipe.core.atomic import write_json
from bmdpipe.core.config.virtual.cohort import VirtualConfig
from bmdpipe.core.files import (
    DXA,
    RADIOGRAPH_DICOM,
    TRUTH,
)
from bmdpipe.core.labels import SIDES
from bmdpipe.core.names import Positioning
from bmdpipe.geometry.landmarks import landmarks_to_json
from bmdpipe.virtual.cohort import subject_number
from bmdpipe.virtual.ct.recording import record_ct
from bmdpipe.virtual.ct.scanner import Session
from bmdpipe.virtual.demographics import DATASET_A_FROM
from bmdpipe.virtual.dxa.scanner import dxa_reading
from bmdpipe.virtual.dxa.truth import true_densities
from bmdpipe.virtual.hip.anatomy import Anatomy, build_anatomy
from bmdpipe.virtual.hip.positioning import Exposure, draw_exposure
from bmdpipe.virtual.xray.dicom import write_radiograph
from bmdpipe.virtual.xray.equipment import draw_visit
from bmdpipe.virtual.xray.room import expose

log = logging.getLogger(__name__)


def simulate_subject(
    config: VirtualConfig,
    subject: str,
    folder: Path,
    annotated: bool,
    positionings: Sequence[Positioning],
) -> dict[str, Any]:
    """Fill `folder` with the subject's images, DXA value and truth; returns the truth.

    Raises ValueError if the name is not one of the cohort's.
    """
    number = subject_number(config, subject)
    anatomy = build_anatomy(config, number)
    person = anatomy.person
    log.info("%s: %s, %.0f years, bones are built", subject, person.sex, person.age_years)
    session = record_ct(folder, config, subject, anatomy, annotated)
    log.info("%s: CT of %d slices", subject, session.grid.size[2])
    visit = draw_visit(config, number)
    exposures = []
    for name in positionings:
        picture = expose(config, anatomy, draw_exposure(config, anatomy, name), visit)
        path = folder / RADIOGRAPH_DICOM.format(radiograph=name)
        write_radiograph(path, config, subject, person, picture, visit)
        exposures.append(picture.exposure)
    if number <= DATASET_A_FROM:
        reading = dxa_reading(config, anatomy)
        write_json(folder / DXA, {"abmd_g_cm2": round(reading, 4), "device": config.dxa.device})
    truth = truth_of(config, anatomy, session, exposures)
    write_json(folder / TRUTH, truth)
    return truth


def truth_of(
    config: VirtualConfig, anatomy: Anatomy, session: Session, exposures: Sequence[Exposure]
) -> dict[str, Any]:
    """What no stage but evaluation may read; `docs/data_formats.md` describes it."""
    return {
        "hu": {"slope": session.scale.slope, "intercept": session.scale.intercept},
        "rods": [
            {
                "density_mg_cm3": rod.density_mg_cm3,
                "point_mm": rod.point_mm.tolist(),
                "axis": rod.axis.tolist(),
            }
            for rod in session.rods
        ],
        "landmarks": {s: landmarks_to_json(anatomy.femora[s].landmarks) for s in SIDES},
        **true_densities(config, anatomy),
        "radiographs": {
            e.positioning: {
                "camera": e.camera.to_json(),
                "camera_from_ct": {name: m.tolist() for name, m in e.camera_from_ct.items()},
                "joints_deg": {side: asdict(angles) for side, angles in e.joints.items()},
            }
            for e in exposures
        },
    }
