"""Rigid transforms as 4x4 matrices `a_from_b` in millimetres, acting on column vectors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bmdpipe.geometry.rotation import about_fixed_axes, angle_deg

Matrix = NDArray[np.float64]


def rigid(rotation: NDArray, translation_mm: NDArray) -> Matrix:
    """The 4x4 transform `x -> rotation @ x + translation_mm`."""
    matrix = np.eye(4)
    matrix[:3, :3] = rotation
    matrix[:3, 3] = translation_mm
    return matrix


def inverse(transform: Matrix) -> Matrix:
    """The inverse of a rigid transform, by its transpose; batches `[..., 4, 4]` allowed."""
    rotation = np.swapaxes(transform[..., :3, :3], -1, -2)
    result = np.zeros_like(transform)
    result[..., :3, :3] = rotation
    result[..., :3, 3] = -(rotation @ transform[..., :3, 3, None])[..., 0]
    result[..., 3, 3] = 1.0
    return result


def apply(transform: Matrix, points_mm: NDArray) -> NDArray[np.float64]:
    """Points `[..., 3]` carried by one transform."""
    return np.asarray(points_mm) @ transform[:3, :3].T + transform[:3, 3]


def about(centre_mm: NDArray, degrees_xyz: NDArray, shift_mm: NDArray) -> Matrix:
    """Rotation about a centre by x, then y, then z angles (fixed axes), then a shift.

    Batches of angles and shifts `[n, 3]` give `[n, 4, 4]`.
    """
    degrees = np.atleast_2d(degrees_xyz)
    centre = np.asarray(centre_mm, dtype=float)
    rotations = about_fixed_axes(degrees)
    result = np.tile(np.eye(4), (len(degrees), 1, 1))
    result[:, :3, :3] = rotations
    result[:, :3, 3] = centre - rotations @ centre + np.atleast_2d(shift_mm)
    return result if np.ndim(degrees_xyz) == 2 else result[0]


def rotation_angle_deg(transform: Matrix) -> float:
    """The angle of a rigid transform's rotation, degrees."""
    return angle_deg(transform[:3, :3])
