"""How the leg lies on the DXA table, and what the scanner sees of it.

The beam is taken as parallel: a scanner's fan magnifies the bone's mass and area together, so that
their quotient hardly changes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from bmdpipe.core.labels import femur_body
from bmdpipe.geometry.camera import CAMERA_FROM_LPS_AP, Camera
from bmdpipe.geometry.landmarks import Landmarks
from bmdpipe.geometry.pose import Matrix, apply, rigid
from bmdpipe.virtual.hip.anatomy import Anatomy

FAR_MM = 2e6
"""The source is so far away that rays are parallel."""
DEPTH_MM = 250.0
"""The head's centre before the detector; at such a distance it is magnified by 1/8000."""
MEDIAL_MM, LATERAL_MM, ABOVE_MM, BELOW_MM = 48.0, 112.0, 45.0, 25.0
"""The field around the head's centre; below, it reaches beyond the region's distal cut."""


def dxa_pose(landmarks: Landmarks, turn_deg: float = 0.0) -> Matrix:
    """Camera axes from the world: neck in the coronal plane, then the shaft upright.

    `turn_deg` misplaces the leg about its long axis. Source: Uemura et al. 2022, Arch Osteoporos.
    """
    neck = landmarks["head_centre"] - landmarks["neck_centre"]
    medial = np.sign(neck[0])
    first = -np.degrees(np.arctan2(neck[1], neck[0] * medial)) * medial + turn_deg
    about_z = Rotation.from_euler("z", first, degrees=True).as_matrix()
    shaft = about_z @ (landmarks["shaft_2cm"] - landmarks["shaft_5cm"])
    about_y = Rotation.from_euler("y", -np.arctan2(shaft[0], shaft[2])).as_matrix()
    return rigid(CAMERA_FROM_LPS_AP @ about_y @ about_z, np.zeros(3))


@dataclass(frozen=True)
class View:
    """One hip on the table: the femur turned about its head's centre, the pelvis as in the CT.

    `pixels` are the femur's landmarks (column, row) in the picture; `motion` moves the femur in the
    CT's world.
    """

    side: str
    camera: Camera
    camera_from_world: dict[str, Matrix]
    motion: Matrix
    pixels: dict[str, NDArray[np.float64]]


def dxa_view(anatomy: Anatomy, side: str, pixel_mm: float, turn_deg: float = 0.0) -> View:
    """The scanner's field over one hip; its pixels do not depend on `turn_deg`."""
    landmarks = anatomy.femora[side].landmarks
    head = landmarks["head_centre"]
    upright = dxa_pose(landmarks)
    shaft = apply(upright, landmarks["shaft_2cm"])[1] - apply(upright, head)[1]
    lateral_is_right = side == "L"
    left = MEDIAL_MM if lateral_is_right else LATERAL_MM
    size = (
        int((MEDIAL_MM + LATERAL_MM) / pixel_mm),
        int((ABOVE_MM + shaft + BELOW_MM) / pixel_mm),
    )
    camera = Camera(
        FAR_MM, (pixel_mm, pixel_mm), size, (left / pixel_mm - 0.5, ABOVE_MM / pixel_mm - 0.5)
    )
    at_head = np.array([0.0, 0.0, FAR_MM - DEPTH_MM])
    turned = dxa_pose(landmarks, turn_deg)[:3, :3]
    femur = rigid(turned, at_head - turned @ head)
    body = rigid(CAMERA_FROM_LPS_AP, at_head - CAMERA_FROM_LPS_AP @ head)
    rotation = CAMERA_FROM_LPS_AP.T @ turned
    return View(
        side=side,
        camera=camera,
        camera_from_world={"pelvis": body, femur_body(side): femur},
        motion=rigid(rotation, head - rotation @ head),
        pixels={name: camera.pixels_of(apply(femur, p)) for name, p in landmarks.items()},
    )
