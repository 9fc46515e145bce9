"""What a survey of a virtual cohort measures on one subject: bodies and images, without a CT."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from bmdpipe.core.config.virtual.cohort import VirtualConfig
from bmdpipe.core.labels import SIDES, femur_body
from bmdpipe.core.volume import Volume
from bmdpipe.imaging.radiograph_grey import finished
from bmdpipe.projection.body import Body
from bmdpipe.projection.density import density_projection
from bmdpipe.virtual.cohort import subject_name
from bmdpipe.virtual.dxa.scanner import dxa_reading
from bmdpipe.virtual.dxa.truth import has_implant, proximal_femur, true_abmd, true_vbmd
from bmdpipe.virtual.hip.anatomy import Anatomy, build_anatomy
from bmdpipe.virtual.hip.femur_traits import draw_femora
from bmdpipe.virtual.hip.pelvis_shape import CORNERS
from bmdpipe.virtual.hip.pelvis_traits import draw_pelvis
from bmdpipe.virtual.hip.positioning import draw_exposure
from bmdpipe.virtual.xray.equipment import draw_visit
from bmdpipe.virtual.xray.room import expose

EMPTY_MG_CM2 = 20.0
"""What a ray must cross to belong to the region's mask."""


@dataclass(frozen=True)
class Seen:
    """One radiograph: mean grey in the region (0 to 1, bone bright), mean true density projection
    over it in mg/cm2, and the examined hip's angles against the CT in degrees."""

    intensity: float
    projection_mg_cm2: float
    flexion_deg: float
    abduction_deg: float
    external_rotation_deg: float


@dataclass(frozen=True)
class Surveyed:
    """One subject. `shape` are sizes and angles of the examined femur and the pelvis; `anatomy` are
    those that the literature gives, measured on the built bones."""

    subject: str
    sex: str
    age_years: float
    bmi: float
    side: str
    dxa_g_cm2: float
    true_abmd_g_cm2: float
    vbmd_mg_cm3: float
    grade: int
    other_side_implant: bool
    shape: dict[str, float]
    anatomy: dict[str, float]
    radiographs: dict[str, Seen] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> Surveyed:
        seen = {name: Seen(**values) for name, values in raw["radiographs"].items()}
        return cls(**{**raw, "radiographs": seen})


def survey_config(config: VirtualConfig, width_px: int = 600) -> VirtualConfig:
    """The same cohort with fewer, larger pixels in its radiographs and voxels in its pelvis; the
    femora stay as fine as they are, and with them vBMD and the true areal BMD."""
    room = config.radiograph
    pixel = room.pixel_mm * room.width_px / width_px
    coarse = room.model_copy(update={"width_px": width_px, "pixel_mm": pixel})
    # No CT is made: voxels of twice the size, divided by two for the femora.
    ct = config.ct.model_copy(
        update={
            "matrix": config.ct.matrix // 2,
            "pixel_mm": 2.0 * config.ct.pixel_mm,
            "slice_mm": 2.0 * config.ct.slice_mm,
        }
    )
    return config.model_copy(
        update={"radiograph": coarse, "ct": ct, "pelvis_grid_mm": 2.0 * config.ct.slice_mm}
    )


def survey_subject(config: VirtualConfig, number: int) -> Surveyed:
    """Build one subject, read its DXA, take its radiographs, and look at the examined hip."""
    anatomy = build_anatomy(config, number)
    person = anatomy.person
    side = person.side
    return Surveyed(
        subject=subject_name(config, number),
        sex=person.sex,
        age_years=person.age_years,
        bmi=person.bmi,
        side=side,
        dxa_g_cm2=round(dxa_reading(config, anatomy), 4),
        true_abmd_g_cm2=true_abmd(config.dxa, anatomy, side),
        vbmd_mg_cm3=true_vbmd(anatomy, side),
        grade=anatomy.disease[side].grade,
        other_side_implant=any(has_implant(config, anatomy, s) for s in SIDES if s != side),
        shape=_shape(config, anatomy),
        anatomy=_anatomy(config, anatomy),
        radiographs=_radiographs(config, anatomy),
    )


def _shape(config: VirtualConfig, anatomy: Anatomy) -> dict[str, float]:
    """The numbers among the traits that a subject's bones are made from."""
    person = anatomy.person
    femur = draw_femora(person, anatomy.disease, config.seed)[person.side]
    pelvis = draw_pelvis(person, config.seed, tuple(CORNERS))
    return {
        f"{name}_{key}": float(value)
        for name, traits in (("femur", femur), ("pelvis", pelvis))
        for key, value in vars(traits).items()
        if isinstance(value, float)
    }


def _anatomy(config: VirtualConfig, anatomy: Anatomy) -> dict[str, float]:
    """Measured on the landmarks, but for the head's radius, the anteversion and the neck's length,
    which are the traits themselves (the knee is not built)."""
    person, hip_centres = anatomy.person, anatomy.hip_centres
    traits = draw_femora(person, anatomy.disease, config.seed)[person.side]
    landmarks = anatomy.femora[person.side].landmarks
    head, neck = landmarks["head_centre"], landmarks["neck_centre"]
    down = landmarks["shaft_5cm"] - landmarks["shaft_2cm"]
    down = down / np.linalg.norm(down)
    along = (neck - head) / np.linalg.norm(neck - head)
    to_head = head - landmarks["shaft_2cm"]
    return {
        "head_diameter_mm": 2.0 * float(traits.head_radius_mm),
        "neck_shaft_deg": float(180.0 - np.degrees(np.arccos(along @ down))),
        "anteversion_deg": float(traits.anteversion_deg),
        "neck_length_mm": float(traits.neck_length_mm),
        "offset_mm": float(np.linalg.norm(to_head - (to_head @ down) * down)),
        "head_from_midline_mm": float(0.5 * abs(hip_centres["L"][0] - hip_centres["R"][0])),
    }


def _radiographs(config: VirtualConfig, anatomy: Anatomy) -> dict[str, Seen]:
    side = anatomy.person.side
    fine = anatomy.bodies[femur_body(side)]
    region = proximal_femur(fine, anatomy.femora[side].landmarks)
    density = np.where(region, fine.density.array, 0).astype(np.float32)
    volume = Volume(density, fine.density.spacing_mm, fine.density.origin_mm, "mg/cm3")
    body = Body.from_volume(volume)
    visit = draw_visit(config, anatomy.person.number)
    seen: dict[str, Seen] = {}
    for positioning in config.positionings:
        picture = expose(config, anatomy, draw_exposure(config, anatomy, positioning), visit)
        exposure = picture.exposure
        grey = finished(
            picture.image.array, False, None, f"{anatomy.person.number}/{positioning}"
        ).array
        pose = exposure.camera_from_ct[femur_body(side)]
        projection = density_projection([(body, pose)], exposure.camera)
        mask = projection > EMPTY_MG_CM2
        joints = exposure.joints[side]
        seen[positioning] = Seen(
            float(grey[mask].mean(dtype=float)),
            float(projection[mask].mean(dtype=float)),
            joints.flexion,
            joints.abduction,
            joints.external_rotation,
        )
    return seen
