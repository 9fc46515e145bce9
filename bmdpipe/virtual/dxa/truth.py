"""What is true of a proximal femur: its region, volumetric and areal BMD."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.config.virtual.cohort import VirtualConfig
from bmdpipe.core.config.virtual.dxa import DxaConfig
from bmdpipe.core.labels import SIDES, femur_body
from bmdpipe.geometry.landmarks import JUNCTION, Landmarks
from bmdpipe.projection.density import density_projection
from bmdpipe.virtual.dxa.pose import dxa_view
from bmdpipe.virtual.dxa.region import total_hip
from bmdpipe.virtual.hip.anatomy import Anatomy, FineBody
from bmdpipe.virtual.hip.disease import draw_disease

MG_PER_G = 1000.0
EMPTY_G_CM2 = 0.02
"""What a pixel must hold to count as bone; rays that graze a partial voxel hold less."""


def true_densities(config: VirtualConfig, anatomy: Anatomy) -> dict[str, dict[str, float | None]]:
    """vBMD (mg/cm3) and areal BMD (g/cm2) by side; None where an implant is in the bone's place."""
    values: dict[str, dict[str, float | None]] = {"vbmd_mg_cm3": {}, "abmd_g_cm2": {}}
    for side in SIDES:
        whole = not has_implant(config, anatomy, side)
        values["vbmd_mg_cm3"][side] = true_vbmd(anatomy, side) if whole else None
        values["abmd_g_cm2"][side] = true_abmd(config.dxa, anatomy, side) if whole else None
    return values


def has_implant(config: VirtualConfig, anatomy: Anatomy, side: str) -> bool:
    return draw_disease(config.disease, anatomy.person, config.seed)[side].implant


def true_abmd(config: DxaConfig, anatomy: Anatomy, side: str, turn_deg: float = 0.0) -> float:
    """Areal BMD of the region without error, g/cm2; `turn_deg` misplaces the leg axially."""
    view = dxa_view(anatomy, side, config.pixel_mm, turn_deg)
    name = femur_body(side)
    body = anatomy.bodies[name].body
    picture = density_projection([(body, view.camera_from_world[name])], view.camera) / MG_PER_G
    region = total_hip(picture > EMPTY_G_CM2, view.pixels, config.pixel_mm)
    return float(picture[region].mean(dtype=float))


def true_vbmd(anatomy: Anatomy, side: str) -> float:
    """Mean density of the proximal femur's region, mg/cm3, over voxels that are mostly bone."""
    body = anatomy.bodies[femur_body(side)]
    inside = proximal_femur(body, anatomy.femora[side].landmarks)
    return float(body.density.array[inside].mean(dtype=float))


def proximal_femur(body: FineBody, landmarks: Landmarks) -> NDArray[np.bool_]:
    """The region on the fine voxels: beyond the junction's plane, above the shaft's 2 cm landmark.

    The distal cut is square to the shaft's axis. Source: Uemura et al. 2022, Arch Osteoporos.
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
