"""The proximal-femur region in 3D and its volumetric BMD.

Source: Uemura et al. 2022, Arch Osteoporos (the definition).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.volume import Volume, bounding_slices
from bmdpipe.densitometry.femur import largest_component
from bmdpipe.geometry.landmarks import JUNCTION, Landmarks


def junction_plane(landmarks: Landmarks) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A point and the normal, towards the neck, of the plane fitted to the four junction points."""
    points = np.stack([landmarks[name] for name in JUNCTION])
    middle = points.mean(axis=0)
    normal = np.linalg.svd(points - middle)[2][-1]
    towards_neck = landmarks["neck_centre"] - landmarks["head_centre"]
    return middle, normal if normal @ towards_neck > 0 else -normal


def shaft_plane(landmarks: Landmarks) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A point and the normal, upwards, of the cut across the shaft at the 2 cm landmark."""
    up = landmarks["shaft_2cm"] - landmarks["shaft_5cm"]
    return landmarks["shaft_2cm"], up / np.linalg.norm(up)


def proximal_region(
    grid: Volume, femur: NDArray[np.bool_], landmarks: Landmarks
) -> NDArray[np.bool_]:
    """The femur between the head-neck junction and the cut across the shaft, largest piece.

    Raises ValueError if nothing lies between the planes.
    """
    box = bounding_slices(femur)
    keep = femur[box].copy()
    for point, normal in (junction_plane(landmarks), shaft_plane(landmarks)):
        keep &= _height(grid, box, point, normal) >= 0
    if not keep.any():
        raise ValueError("no bone lies between the cutting planes")
    region = np.zeros_like(femur)
    region[box] = largest_component(keep)
    return region


def neck_region(
    grid: Volume, region: NDArray[np.bool_], landmarks: Landmarks, width_mm: float
) -> NDArray[np.bool_]:
    """The part of the region within `width_mm` of the head-neck junction's plane."""
    box = bounding_slices(region)
    neck = np.zeros_like(region)
    neck[box] = region[box] & (_height(grid, box, *junction_plane(landmarks)) <= width_mm)
    return largest_component(neck) if neck.any() else neck


def volumetric_bmd(density: Volume, region: NDArray[np.bool_]) -> float:
    """Mean density inside the region, mg/cm3; raises ValueError on another unit."""
    if density.unit != "mg/cm3":
        raise ValueError(f"vBMD needs mg/cm3, not {density.unit}")
    return float(density.array[region].mean(dtype=np.float64))


def volume_ml(grid: Volume, region: NDArray[np.bool_]) -> float:
    """Volume of the region in millilitres."""
    return float(region.sum() * grid.voxel_mm3 / 1000.0)


def _height(
    grid: Volume, box: tuple[slice, ...], point: NDArray, normal: NDArray
) -> NDArray[np.float64]:
    """Signed distance of the box's voxels from a plane, `[z, y, x]`, without a list of points."""
    matrix = grid.world_from_index
    along = matrix[:3, :3].T @ normal
    offset = (matrix[:3, 3] - point) @ normal
    x, y, z = (np.arange(s.start, s.stop) for s in box[::-1])
    return np.asarray(along[2] * z[:, None, None] + along[1] * y[:, None] + along[0] * x + offset)
