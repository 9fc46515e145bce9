"""How a virtual subject stands or lies before the detector: camera and the pose of each bone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bmdpipe.core.config.study import Positioning
from bmdpipe.core.config.virtual.cohort import VirtualConfig
from bmdpipe.core.labels import SIDES, femur_body
from bmdpipe.geometry.camera import Camera, ap_pose
from bmdpipe.geometry.pose import Matrix, about
from bmdpipe.virtual.demographics import stream
from bmdpipe.virtual.hip.anatomy import Anatomy


@dataclass(frozen=True)
class Exposure:
    """One radiograph's geometry: `camera_from_ct` by body; `femur_motion` moves a femur against the
    pelvis in the CT's world."""

    positioning: Positioning
    camera: Camera
    sod_mm: float
    camera_from_ct: dict[str, Matrix]
    femur_motion: dict[str, Matrix]


def draw_exposure(config: VirtualConfig, anatomy: Anatomy, positioning: Positioning) -> Exposure:
    """The whole body tilts and shifts; each femur turns about its head's centre."""
    room = config.radiograph
    rng = stream(config.seed, anatomy.person.number, f"position {positioning}")
    aspect = rng.uniform(room.aspect_min, room.aspect_max)
    size = (room.width_px, int(np.clip(round(room.width_px / aspect), *_heights(room.width_px))))
    camera = _camera(config, anatomy.person.number, positioning, size)
    sod = room.sod_mm + room.sod_sd_mm * float(np.clip(rng.standard_normal(), -2, 2))
    turn = room.tilt_sd_deg * np.clip(rng.standard_normal(3), -2, 2) * np.array([1.0, 0.5, 1.0])
    if positioning == "standing":
        turn[0] += room.standing_tilt_deg
    shift = room.shift_sd_mm * np.clip(rng.standard_normal(3), -2, 2)
    centre = np.array([0.0, 0.0, -5.0])
    body = ap_pose(centre, camera, sod) @ about(np.zeros(3), turn, shift * np.array([1, 0, 1]))
    motion = {s: _femur_motion(config, anatomy, positioning, s, rng) for s in SIDES}
    poses = {"pelvis": body} | {femur_body(s): body @ motion[s] for s in SIDES}
    return Exposure(positioning, camera, sod, poses, motion)


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


def _femur_motion(
    config: VirtualConfig,
    anatomy: Anatomy,
    positioning: Positioning,
    side: str,
    rng: np.random.Generator,
) -> Matrix:
    room = config.radiograph
    z = np.clip(rng.standard_normal(3), -2, 2)
    spread = np.array([room.femur_swing_sd_deg, room.femur_swing_sd_deg, room.femur_turn_sd_deg])
    degrees = spread * z
    # Turned about +y (posterior), a leg that hangs down swings to the patient's right.
    outward = 1.0 if side == "R" else -1.0
    if positioning == "abduction":
        degrees[1] += outward * room.abduction_deg * rng.uniform(0.7, 1.0)
    elif positioning == "adduction":
        degrees[1] -= outward * room.abduction_deg * rng.uniform(0.4, 0.7)
    return about(anatomy.hip_centres[side], degrees, np.zeros(3))
