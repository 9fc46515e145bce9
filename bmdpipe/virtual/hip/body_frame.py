"""Where soft tissue is attached: points named in the pelvis' and in a thigh's own frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TABLE_HIP_MM = 87.0
REFERENCE_TROCHANTER_MM = 68.0
"""A trochanter's offset from its hip joint for which the tables of muscles are written."""


@dataclass(frozen=True)
class HipFrame:
    """One side: the joint, two points of the shaft's axis (the first is the upper), the lesser
    trochanter, and how far the greater one stands out from the joint (LPS mm)."""

    centre_mm: NDArray[np.float64]
    shaft_mm: tuple[NDArray[np.float64], NDArray[np.float64]]
    lesser_trochanter_mm: NDArray[np.float64]
    trochanter_offset_mm: float


@dataclass(frozen=True)
class BonyFrame:
    """What soft tissue needs to know of the bones.

    `world_from_pelvis` turns (lateral, posterior, superior) points of the pelvis' table of corners
    into the world; `front_mm` and `back_mm` are the foremost and rearmost bone.
    """

    hips: Mapping[str, HipFrame]
    world_from_pelvis: NDArray[np.float64]
    crest_mm: float
    front_mm: float
    back_mm: float

    def pelvis(self, side: str, x: float, y: float, z: float) -> NDArray[np.float64]:
        """A point of a half pelvis, given for the left with its hip joint at (87, 0, 0)."""
        point = self.world_from_pelvis @ np.array([x, y, z], dtype=float)
        half = abs(float(self.hips[side].centre_mm[0]))
        wide = TABLE_HIP_MM * float(self.world_from_pelvis[0, 0])
        point[0] += (half - wide) * np.clip(x / 60.0, -1.0, 1.0)
        if side == "R":
            point[0] = -point[0]
        return point

    def thigh(self, side: str, level: float, u: float, v: float) -> NDArray[np.float64]:
        """A point `level` mm below the hip joint, `u` lateral and `v` behind the shaft's axis, in
        a thigh of reference size."""
        hip = self.hips[side]
        size = self.size(side)
        upper, lower = hip.shaft_mm
        along = (lower - upper) / (upper[2] - lower[2])
        # Above the trochanters the axis is carried on at a gentler slope, towards the joint.
        drop = max(level * size, 30.0) - (hip.centre_mm[2] - upper[2])
        axis = upper + along * drop
        axis[2] = hip.centre_mm[2] - level * size
        lateral = 1.0 if side == "L" else -1.0
        return axis + size * np.array([lateral * u, v, 0.0])

    def size(self, side: str) -> float:
        """A thigh's size over the reference."""
        return self.hips[side].trochanter_offset_mm / REFERENCE_TROCHANTER_MM
