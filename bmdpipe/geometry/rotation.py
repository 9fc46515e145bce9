"""Rotation matrices from angles about the axes, and back, in closed form.

Written out, because importing SciPy's would cost every job of a subject half a second; the tests
hold them against it. Source: Diebel 2006, Representing Attitude.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Rotation = NDArray[np.float64]


def about_fixed_axes(degrees_xyz: ArrayLike) -> Rotation:
    """`[..., 3, 3]`, turns by angles `[..., 3]` about fixed x, then fixed y, then fixed z."""
    return _about(degrees_xyz, 2) @ _about(degrees_xyz, 1) @ _about(degrees_xyz, 0)


def about_moving_axes(degrees_xyz: ArrayLike) -> Rotation:
    """`[..., 3, 3]`, turns about x, then about y where x took it, then about z likewise."""
    return _about(degrees_xyz, 0) @ _about(degrees_xyz, 1) @ _about(degrees_xyz, 2)


def moving_axes_angles(rotation: Rotation) -> NDArray[np.float64]:
    """The angles `[3]` of `about_moving_axes`; the second lies within 90 degrees."""
    x = np.arctan2(-rotation[1, 2], rotation[2, 2])
    y = np.arctan2(rotation[0, 2], np.hypot(rotation[0, 0], rotation[0, 1]))
    z = np.arctan2(-rotation[0, 1], rotation[0, 0])
    return np.degrees([x, y, z])


def angle_deg(rotation: Rotation) -> float:
    """How far one rotation turns, 0 to 180 degrees, by its sine and its cosine."""
    skew = rotation - rotation.T
    twice_sine = np.linalg.norm([skew[2, 1], skew[0, 2], skew[1, 0]])
    return float(np.degrees(np.arctan2(twice_sine, np.trace(rotation) - 1.0)))


def _about(degrees_xyz: ArrayLike, axis: int) -> Rotation:
    angle = np.radians(np.asarray(degrees_xyz, dtype=float)[..., axis])
    before, after = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.zeros((*angle.shape, 3, 3))
    matrix[..., axis, axis] = 1.0
    matrix[..., before, before] = matrix[..., after, after] = np.cos(angle)
    matrix[..., after, before] = np.sin(angle)
    matrix[..., before, after] = -np.sin(angle)
    return matrix
