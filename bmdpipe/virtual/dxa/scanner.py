"""The virtual DXA scanner, and the true vBMD and areal BMD of a proximal femur.

Region: cut 2 cm distal to the lesser trochanter and at the head-neck junction, in the pose that
turns the neck into the picture's plane. Source: Uemura et al. 2022, Arch Osteoporos.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label
from scipy.spatial.transform import Rotation

from bmdpipe.core.config.virtual.cohort import VirtualConfig
from bmdpipe.core.config.virtual.dxa import DxaConfig
from bmdpipe.core.labels import femur_body
from bmdpipe.geometry.camera import CAMERA_FROM_LPS_AP, Camera
from bmdpipe.geometry.landmarks import JUNCTION, Landmarks
from bmdpipe.geometry.pose import Matrix, apply, rigid
from bmdpipe.projection.density import density_projection
from bmdpipe.virtual.demographics import stream
from bmdpipe.virtual.hip.anatomy import Anatomy
from bmdpipe.virtual.hip.fine_grid import FineBody

FAR_MM = 1e5
"""The source is so far away that rays are parallel."""
MG_PER_G = 1000.0
EMPTY_MG_CM2 = 20.0
"""What a pixel must hold to count as bone; rays that graze a partial voxel hold less."""


def dxa_reading(config: VirtualConfig, anatomy: Anatomy, repeat: int = 0) -> float:
    """Areal BMD of the examined hip as the scanner reports it, g/cm2; `repeat` is a new scan."""
    person = anatomy.person
    bias_z = np.clip(stream(config.seed, person.number, "dxa bias").standard_normal(), -2.5, 2.5)
    rng = stream(config.seed, person.number, f"dxa {repeat}")
    turn = config.dxa.turn_sd_deg * float(np.clip(rng.standard_normal(), -2, 2))
    truth = true_abmd(config.dxa, anatomy, person.side, turn)
    # Placing the leg is part of the precision error; what is left of it is noise of the scan.
    noise = 1.0 + config.dxa.precision_cv * float(rng.standard_normal())
    bias = 1.0 + config.dxa.accuracy_cv * float(bias_z)
    return truth * config.dxa.scale * bias * noise


def true_abmd(config: DxaConfig, anatomy: Anatomy, side: str, turn_deg: float = 0.0) -> float:
    """Areal BMD of the region without error, g/cm2; `turn_deg` misplaces the leg axially."""
    landmarks = anatomy.femora[side].landmarks
    pose = dxa_pose(landmarks, turn_deg)
    placed = {name: apply(pose, point) for name, point in landmarks.items()}
    head = placed["head_centre"]
    below = int((placed["shaft_2cm"][1] - head[1]) / config.pixel_mm) + 1
    size = (int(140.0 / config.pixel_mm), below + int(45.0 / config.pixel_mm))
    principal = (0.5 * size[0], 45.0 / config.pixel_mm)
    camera = Camera(FAR_MM, (config.pixel_mm, config.pixel_mm), size, principal)
    shift = np.eye(4)
    shift[:3, 3] = [-head[0], -head[1], FAR_MM - 500.0 - head[2]]
    body = anatomy.bodies[femur_body(side)].body
    picture = density_projection([(body, shift @ pose)], camera)
    pixels = {n: camera.pixels_of(apply(shift, p)) for n, p in placed.items()}
    return float(picture[_region(picture, pixels)].mean()) / MG_PER_G


def dxa_pose(landmarks: Landmarks, turn_deg: float = 0.0) -> Matrix:
    """Camera axes from the world: neck in the coronal plane, then the shaft upright."""
    neck = landmarks["head_centre"] - landmarks["neck_centre"]
    medial = np.sign(neck[0])
    first = -np.degrees(np.arctan2(neck[1], neck[0] * medial)) * medial + turn_deg
    about_z = Rotation.from_euler("z", first, degrees=True).as_matrix()
    shaft = about_z @ (landmarks["shaft_2cm"] - landmarks["shaft_5cm"])
    about_y = Rotation.from_euler("y", -np.arctan2(shaft[0], shaft[2])).as_matrix()
    return rigid(CAMERA_FROM_LPS_AP @ about_y @ about_z, np.zeros(3))


def _region(picture: NDArray, pixels: dict[str, NDArray]) -> NDArray[np.bool_]:
    """Bone below the line through the projected junction and above the 2 cm landmark."""
    height, width = picture.shape
    rows, columns = np.mgrid[:height, :width].astype(float)
    points = np.array([pixels[name] for name in JUNCTION])
    middle = points.mean(axis=0)
    line = np.linalg.svd(points - middle)[2][0]
    across = np.array([-line[1], line[0]])
    across *= np.sign(across @ (pixels["neck_centre"] - pixels["head_centre"]))
    beyond = (columns - middle[0]) * across[0] + (rows - middle[1]) * across[1] >= 0
    bone = (picture > EMPTY_MG_CM2) & beyond & (rows <= pixels["shaft_2cm"][1])
    parts, _ = label(bone)
    counts = np.bincount(parts.ravel())
    counts[0] = 0
    return parts == int(counts.argmax())


def true_vbmd(anatomy: Anatomy, side: str) -> float:
    """Mean density of the proximal femur's region, mg/cm3, over voxels that are mostly bone."""
    body = anatomy.bodies[femur_body(side)]
    inside = proximal_femur(body, anatomy.femora[side].landmarks)
    return float(body.density.array[inside].mean())


def proximal_femur(body: FineBody, landmarks: Landmarks) -> NDArray[np.bool_]:
    """The region on the fine voxels: beyond the junction's plane, above the shaft's 2 cm landmark.

    The distal cut is square to the shaft's axis.
    """
    points = np.array([landmarks[name] for name in JUNCTION])
    middle = points.mean(axis=0)
    normal = np.linalg.svd(points - middle)[2][2]
    normal *= np.sign(normal @ (landmarks["neck_centre"] - landmarks["head_centre"]))
    shaft = landmarks["shaft_2cm"] - landmarks["shaft_5cm"]
    shaft /= np.linalg.norm(shaft)
    nz, ny, nx = body.fraction.shape
    x, y, z = (
        o + s * np.arange(n)
        for o, s, n in zip(
            body.density.origin_mm, body.density.spacing_mm, (nx, ny, nz), strict=True
        )
    )

    def beyond(point: NDArray, direction: NDArray) -> NDArray[np.bool_]:
        return (
            (x - point[0])[None, None] * direction[0]
            + (y - point[1])[None, :, None] * direction[1]
            + (z - point[2])[:, None, None] * direction[2]
        ) >= 0

    return (body.fraction >= 0.5) & beyond(middle, normal) & beyond(landmarks["shaft_2cm"], shaft)
