"""How a subject's pelvis differs from the tables of form: where each point comes to lie."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from bmdpipe.virtual.hip.hip_bone_form import BALL_MM, HIP_MM
from bmdpipe.virtual.hip.pelvis_traits import PelvisTraits

CORNERS: dict[str, tuple[float, float, float]] = {
    "pubis": (8, -44, -22),
    "arch": (26, -6, -44),
    "tuberosity": (52, 30, -60),
    "ischial_spine": (56, 58, 2),
    "inlet": (66, 30, 52),
    "anterior_spine": (118, -42, 82),
    "crest_side": (136, 0, 128),
    "crest_top": (92, 46, 154),
    "crest_back": (44, 92, 100),
    "back_lower_spine": (46, 86, 56),
}
"""Places of the left half that vary on their own; what lies between them follows smoothly."""
REACH_MM = 32.0
MIDLINE_MM = 22.0
JOINT_MM, BEYOND_MM = 8.0, 45.0
"""So far outside the joint's ball, bone moves and grows with it; from the second on it is free."""


def hip_centres(traits: PelvisTraits) -> dict[str, NDArray[np.float64]]:
    """The centres of the acetabula, LPS mm; the middle between them is the origin."""
    half = 0.5 * traits.hip_distance_mm
    return {"R": np.array([-half, 0.0, 0.0]), "L": np.array([half, 0.0, 0.0])}


def tilted(traits: PelvisTraits, vectors: NDArray) -> NDArray[np.float64]:
    """Vectors `[..., 3]` of the tables turned with the pelvis about the axis through both hips."""
    turn = Rotation.from_euler("x", traits.tilt_deg, degrees=True).as_matrix()
    return np.asarray(vectors) @ turn.T


def placed(
    traits: PelvisTraits, points: NDArray, side: str, ball_mm: float = BALL_MM
) -> NDArray[np.float64]:
    """Points `[..., 4]` of a table (left half, with radius) where they lie in a subject.

    `ball_mm` is the radius of head and joint space, which the bone around the joint fits.
    """
    points = np.asarray(points, dtype=float)
    where, radius = points[..., :3], points[..., 3:]
    off = np.linalg.norm(where - HIP_MM, axis=-1, keepdims=True) - BALL_MM
    t = np.clip((off - JOINT_MM) / (BEYOND_MM - JOINT_MM), 0.0, 1.0)
    joint = 1.0 - t * t * (3.0 - 2.0 * t)
    grown = ball_mm / BALL_MM
    half = 0.5 * traits.hip_distance_mm
    free = where + (1.0 - joint) * _shift(traits, where, side)
    inner = np.minimum(free[..., 0], HIP_MM[0]) * half / HIP_MM[0]
    outer = np.maximum(free[..., 0] - HIP_MM[0], 0.0) * traits.width
    free = np.stack(
        [inner + outer, free[..., 1] * traits.depth, free[..., 2] * traits.height], axis=-1
    )
    bound = (where - HIP_MM) * grown + np.array([half, 0.0, 0.0])
    size = joint * grown + (1.0 - joint) * traits.thickness
    world = tilted(traits, joint * bound + (1.0 - joint) * free)
    world[..., 0] *= 1.0 if side == "L" else -1.0
    return np.concatenate([world, radius * size], axis=-1)


def _shift(traits: PelvisTraits, where: NDArray, side: str) -> NDArray[np.float64]:
    """Displacement in the table's frame: a blend of those of the corners around."""
    corners = np.array(list(CORNERS.values()), dtype=float)
    moves = np.array([traits.shift[side][name] for name in CORNERS])
    apart = np.linalg.norm(where[..., None, :] - corners, axis=-1)
    weights = np.exp(-0.5 * (apart / REACH_MM) ** 2)
    total = weights.sum(axis=-1, keepdims=True)
    shift = (weights @ moves) / (total + 0.25)
    # The midline stays where it is: a wider pubis is a longer one, not a wider symphysis.
    shift[..., 0] *= 1.0 - np.exp(-((where[..., 0] / MIDLINE_MM) ** 2))
    return np.asarray(shift)
