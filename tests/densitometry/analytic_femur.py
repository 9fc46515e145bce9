"""A femur made of a sphere, cylinders and ellipsoids, whose landmarks are known exactly."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from bmdpipe.core.volume import Volume


def analytic_femur(
    *,
    side: str = "R",
    scale: float = 1.0,
    spacing_mm: tuple[float, float, float] = (1.5, 1.5, 3.0),
    anteversion_deg: float = 15.0,
    neck_shaft_deg: float = 127.0,
    tilt_deg: tuple[float, float, float] = (0.0, 0.0, 0.0),
    shaft_mm: float = 80.0,
    shift_mm: tuple[float, float, float] = (0.3, -0.7, 1.1),
) -> tuple[Volume, dict[str, np.ndarray]]:
    """Label map and the eight landmarks. `shaft_mm` is the length below the lesser trochanter;
    `tilt_deg` turns the whole bone about x, y, z before it is cut at the bottom."""
    m = 1.0 if side == "R" else -1.0
    head_r, neck_r, shaft_r = 24.0 * scale, 15.5 * scale, 15.0 * scale
    turn = np.radians(anteversion_deg)
    nsa = np.radians(neck_shaft_deg)
    # Bone frame: the shaft's axis is z, its point beside the neck's foot the origin.
    outward = np.array([m * np.cos(turn) * np.sin(nsa), -np.sin(turn) * np.sin(nsa), -np.cos(nsa)])
    head = 55.0 * scale * outward
    lesser = np.array([0.0, 0.0, -22.0 * scale])
    back = np.radians(45.0) - turn
    lesser_out = np.array([m * np.cos(back), np.sin(back), 0.0])
    rotation = Rotation.from_euler("xyz", np.array(tilt_deg) * [1, m, m], degrees=True).as_matrix()
    offset = np.array([-m * 90.0, 5.0, 60.0]) + shift_mm

    def world(point):
        return rotation @ point + offset

    foot = lesser - np.array([0, 0, shaft_mm])
    bottom = world(foot)[2]
    corners = np.array([world(head), world(np.zeros(3)), world(foot)])
    low = corners.min(axis=0) - 45 * scale
    high = corners.max(axis=0) + 45 * scale
    low[2] = bottom
    size = np.ceil((high - low) / spacing_mm).astype(int)
    x, y, z = (low[a] + np.arange(size[a]) * spacing_mm[a] for a in range(3))
    grid = np.stack(np.broadcast_arrays(x, y[:, None], z[:, None, None]), axis=-1) - offset
    p = grid @ rotation  # into the bone frame

    def ball(centre, radii, axes=None):
        axes = np.eye(3) if axes is None else axes
        return ((((p - centre) @ axes.T) / radii) ** 2).sum(axis=-1) <= 1

    along = p @ outward
    bone = ((p - head) ** 2).sum(axis=-1) <= head_r**2
    bone |= (((p**2).sum(axis=-1) - along**2) <= neck_r**2) & (along >= 0) & (along <= 55 * scale)
    bone |= ((p[..., 0] ** 2 + p[..., 1] ** 2) <= shaft_r**2) & (p[..., 2] <= 0)
    bone |= ball(np.array([-m * 8, 2, 4]) * scale, np.array([20, 20, 26]) * scale)
    axes = np.stack([lesser_out, np.cross([0, 0, 1], lesser_out), [0, 0, 1]])
    bone |= ball(lesser + lesser_out * shaft_r * 0.9, np.array([9, 9, 11]) * scale, axes)
    labels = np.where(bone, 2 if side == "R" else 3, 0).astype(np.uint8)
    volume = Volume(labels, spacing_mm, tuple(float(v) for v in low), "label")

    junction = head - np.sqrt(head_r**2 - neck_r**2) * outward
    superior = np.array([0, 0, 1.0]) - outward[2] * outward
    superior /= np.linalg.norm(superior)
    front = np.cross(outward, superior)
    front = front if front[1] < 0 else -front
    points = {
        "head_centre": head,
        "neck_centre": head - 0.5 * 55 * scale * outward,
        "junction_superior": junction + neck_r * superior,
        "junction_inferior": junction - neck_r * superior,
        "junction_anterior": junction + neck_r * front,
        "junction_posterior": junction - neck_r * front,
        "shaft_2cm": lesser - np.array([0, 0, 20.0]),
        "shaft_5cm": lesser - np.array([0, 0, 50.0]),
    }
    return volume, {name: world(point) for name, point in points.items()}
