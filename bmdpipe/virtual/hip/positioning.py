"""How a virtual subject stands or lies before the detector: camera and the pose of each bone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bmdpipe.core.config.virtual.cohort import VirtualConfig
from bmdpipe.core.labels import SIDES, femur_body
from bmdpipe.core.names import Positioning
from bmdpipe.geometry.camera import Camera, ap_pose
from bmdpipe.geometry.joint import JointAngles, joint_motion
from bmdpipe.geometry.pose import Matrix, about
from bmdpipe.virtual.demographics import stream
from bmdpipe.virtual.hip.anatomy import Anatomy
from bmdpipe.virtual.hip.disease import HipDisease, draw_disease
from bmdpipe.virtual.hip.soft_tissue import SoftTissue, with_new_contents

SEVERE = 0.5
"""From this severity (grade 3) on a hip may have a contracture."""
STIFFNESS = 0.45
"""Share of ab- and adduction and of internal rotation that the worst hip has lost."""


@dataclass(frozen=True)
class Exposure:
    """One radiograph's geometry: `camera_from_ct` by body; `femur_motion` moves a femur against the
    pelvis in the CT's world and amounts to `joints`; `soft` is the soft tissue on that occasion."""

    positioning: Positioning
    camera: Camera
    sod_mm: float
    camera_from_ct: dict[str, Matrix]
    femur_motion: dict[str, Matrix]
    joints: dict[str, JointAngles]
    soft: SoftTissue


def draw_exposure(config: VirtualConfig, anatomy: Anatomy, positioning: Positioning) -> Exposure:
    """The whole body tilts and shifts; each femur turns about its head's centre."""
    room, person = config.radiograph, anatomy.person
    rng = stream(config.seed, person.number, f"position {positioning}")
    aspect = rng.uniform(room.aspect_min, room.aspect_max)
    size = (room.width_px, int(np.clip(round(room.width_px / aspect), *_heights(room.width_px))))
    camera = _camera(config, anatomy.person.number, positioning, size)
    sod = room.sod_mm + room.sod_sd_mm * float(np.clip(rng.standard_normal(), -2, 2))
    turn = room.tilt_sd_deg * np.clip(rng.standard_normal(3), -2, 2) * np.array([1.0, 0.5, 1.0])
    backwards = 0.0
    if positioning == "standing":
        # About +x the crests come forward: a posterior tilt turns the other way.
        backwards = room.standing_tilt_deg * rng.uniform(0.4, 1.6)
        turn[0] -= backwards
    shift = room.shift_sd_mm * np.clip(rng.standard_normal(3), -2, 2)
    centre = np.array([0.0, 0.0, -5.0])
    body = ap_pose(centre, camera, sod) @ about(np.zeros(3), turn, shift * np.array([1, 0, 1]))
    joints = draw_joints(config, anatomy, positioning, rng, backwards)
    motion = {s: joint_motion(joints[s], s, anatomy.hip_centres[s]) for s in SIDES}
    poses = {"pelvis": body} | {femur_body(s): body @ motion[s] for s in SIDES}
    lying = positioning != "standing"
    soft = with_new_contents(config, anatomy.soft, person, positioning, lying)
    return Exposure(positioning, camera, sod, poses, motion, joints, soft)


def _camera(
    config: VirtualConfig, number: int, positioning: Positioning, size: tuple[int, int]
) -> Camera:
    """The detector, whose middle the central ray misses by a little."""
    room = config.radiograph
    rng = stream(config.seed, number, f"tube {positioning}")
    missed = room.tube_offset_sd_mm * np.clip(rng.standard_normal(2), -2, 2) / room.pixel_mm
    point = (0.5 * (size[0] - 1) + float(missed[0]), 0.5 * (size[1] - 1) + float(missed[1]))
    return Camera(room.sdd_mm, (room.pixel_mm, room.pixel_mm), size, point)


def _heights(width_px: int) -> tuple[int, int]:
    """The heights that keep width over height between 0.880 and 1.228. Source: Gu 2023 §4.1."""
    return int(np.ceil(width_px / 1.228)), int(np.floor(width_px / 0.880))


def draw_joints(
    config: VirtualConfig,
    anatomy: Anatomy,
    positioning: Positioning,
    rng: np.random.Generator,
    backwards_deg: float,
) -> dict[str, JointAngles]:
    """Both hips. When the pelvis tilts backwards by `backwards_deg` the legs stay upright, which
    extends the hips."""
    person, room = anatomy.person, config.radiograph
    disease = draw_disease(config.disease, person, config.seed)
    stiff = {s: contracture_deg(config, person.number, s, disease[s]) for s in SIDES}
    turned_in = positioning != "standing" and rng.random() < config.positioning.turned_in_fraction
    reach = rng.uniform(0.7, 1.0)
    result = {}
    for side in SIDES:
        z = np.clip(rng.standard_normal(3), -2, 2)
        able = 1.0 - STIFFNESS * disease[side].severity
        rotation = room.femur_turn_sd_deg * z[2]
        if turned_in:
            rotation -= able * config.positioning.internal_rotation_deg
        elif positioning != "standing":
            rotation += config.positioning.relaxed_rotation_deg
        aside = room.femur_swing_sd_deg * z[1]
        if positioning == "abduction":
            aside += able * reach * room.abduction_deg
        elif positioning == "adduction":
            aside -= able * 0.6 * reach * room.abduction_deg
        flexion = 0.5 * room.femur_swing_sd_deg * z[0] - 0.8 * backwards_deg
        result[side] = JointAngles(
            flexion=float(max(flexion, stiff[side]) if stiff[side] > 0.0 else flexion),
            abduction=float(aside),
            external_rotation=float(rotation),
        )
    return result


def contracture_deg(config: VirtualConfig, number: int, side: str, disease: HipDisease) -> float:
    """The flexion that a hip cannot give up, mostly 0; the same in every positioning."""
    share, angle = stream(config.seed, number, f"contracture {side}").random(2)
    if disease.severity < SEVERE or share >= config.positioning.contracture_fraction:
        return 0.0
    return float(config.positioning.contracture_max_deg * (0.35 + 0.65 * angle))
