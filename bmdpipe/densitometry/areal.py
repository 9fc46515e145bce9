"""Areal BMD from CT: the femur turned and projected as a DXA scanner sees it.

Source: Uemura et al. 2022, Arch Osteoporos (the definition).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.image import Image
from bmdpipe.core.volume import Volume, bounding_slices
from bmdpipe.densitometry.femur import largest_component
from bmdpipe.densitometry.parallel_sum import parallel_sum
from bmdpipe.geometry.landmarks import JUNCTION, Landmarks

MG_MM_CM3_PER_G_CM2 = 10_000.0
"""mg/cm3 x mm in one g/cm2: 10 mm per cm, 1000 mg per g."""
MARGIN_MM = 6.0
NECK_MM = 10.0
"""Width of the neck's band distal to the junction. Source: Uemura 2022."""


@dataclass(frozen=True)
class ArealView:
    """A coronal view, rows downwards, columns to the patient's left: `projection` of the whole bone
    (g/cm2), `region` that is measured (total hip), its `neck` band, and `landmarks_px` (column,
    row)."""

    projection: Image
    region: NDArray[np.bool_]
    neck: NDArray[np.bool_]
    landmarks_px: dict[str, NDArray[np.float64]]

    @property
    def abmd_g_cm2(self) -> float:
        """Mean of the region's pixels."""
        return float(self.projection.array[self.region].mean(dtype=np.float64))

    @property
    def neck_abmd_g_cm2(self) -> float:
        """Mean of the neck band's pixels."""
        return float(self.projection.array[self.neck].mean(dtype=np.float64))

    @property
    def area_cm2(self) -> float:
        return float(self.region.sum() * np.prod(self.projection.spacing_mm) / 100.0)


def dxa_pose(landmarks: Landmarks) -> NDArray[np.float64]:
    """The rotation 3x3 that brings the head-neck axis into the coronal plane (about the vertical)
    and then the shaft upright (about the antero-posterior axis)."""
    axis = landmarks["neck_centre"] - landmarks["head_centre"]
    sideways = np.sign(axis[0]) or 1.0
    angle = -np.arctan2(axis[1] * sideways, axis[0] * sideways)
    c, s = np.cos(angle), np.sin(angle)
    about_z = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    up = about_z @ (landmarks["shaft_2cm"] - landmarks["shaft_5cm"])
    angle = -np.arctan2(up[0], up[2])
    c, s = np.cos(angle), np.sin(angle)
    about_y = np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])
    return about_y @ about_z


def areal_view(
    density: Volume,
    femur: NDArray[np.bool_],
    landmarks: Landmarks,
    pixel_mm: float,
    depth_step_mm: float,
) -> ArealView:
    """The parallel projection of the femur's own bone, and the region on it.

    Density is interpolated among bone voxels only and the bone ends where its mask passes one half,
    so that neither soft tissue nor a blurred border thins the result. Raises ValueError on another
    unit than mg/cm3.
    """
    if density.unit != "mg/cm3":
        raise ValueError(f"aBMD needs mg/cm3, not {density.unit}")
    z, y, x = bounding_slices(femur)
    box = density.crop(z, y, x)
    bone = np.pad(femur[z, y, x], 1)
    weight = bone.astype(np.float32)
    mass = np.pad(np.asarray(box.array, np.float32), 1) * weight
    world_from_index = box.world_from_index
    world_from_index[:3, 3] = box.world_at(np.array([-1, -1, -1]))

    rotation = dxa_pose(landmarks)
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in bone.shape[::-1]])).reshape(3, -1).T
    turned = (corners @ world_from_index[:3, :3].T + world_from_index[:3, 3]) @ rotation.T
    low, high = turned.min(axis=0), turned.max(axis=0)
    bottom = (rotation @ landmarks["shaft_5cm"])[2] - MARGIN_MM
    low[2] = max(low[2], bottom)
    columns, depth, rows = np.ceil((high - low) / (pixel_mm, depth_step_mm, pixel_mm)).astype(int)
    # Output (row, depth, column) -> turned world -> index (z, y, x).
    step = np.zeros((3, 3))
    step[0, 2], step[1, 1], step[2, 0] = pixel_mm, depth_step_mm, -pixel_mm
    start = np.array([low[0], low[1], high[2]])
    index_from_turned = np.linalg.inv(world_from_index[:3, :3]) @ rotation.T
    shift = np.linalg.inv(world_from_index[:3, :3]) @ (rotation.T @ start - world_from_index[:3, 3])
    matrix = (index_from_turned @ step)[::-1]
    shape = (int(rows), int(depth), int(columns))
    image, shadow = parallel_sum(mass, weight, matrix, shift[::-1], shape)
    image *= depth_step_mm / MG_MM_CM3_PER_G_CM2
    at = {
        name: (rotation @ point - start)[[0, 2]] / (pixel_mm, -pixel_mm)
        for name, point in landmarks.items()
    }
    beyond = _beyond_junction(shape[0], shape[2], at)
    region = shadow & (beyond >= 0) & (np.arange(shape[0])[:, None] <= at["shaft_2cm"][1])
    if region.any():
        region = largest_component(region)
    neck = region & (beyond * pixel_mm <= NECK_MM)
    if neck.any():
        # The tip of the greater trochanter may reach into the band, too.
        neck = largest_component(neck)
    return ArealView(Image(image, (pixel_mm, pixel_mm), "g/cm2"), region, neck, at)


def _beyond_junction(rows: int, columns: int, at: Landmarks) -> NDArray[np.float64]:
    """How far each pixel lies on the neck's side of the line through the junction, in pixels."""
    points = np.stack([at[name] for name in JUNCTION])
    middle = points.mean(axis=0)
    normal = np.linalg.svd(points - middle)[2][-1]
    if normal @ (at["neck_centre"] - at["head_centre"]) < 0:
        normal = -normal
    u, v = np.arange(columns), np.arange(rows)[:, None]
    return np.asarray((u - middle[0]) * normal[0] + (v - middle[1]) * normal[1])
