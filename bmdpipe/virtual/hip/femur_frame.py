"""The local frame of a femur and where its parts lie in it.

The head's centre is the origin; axes point laterally, posteriorly and superiorly; the proximal
shaft runs along the third axis. The joint is where the axes of neck and shaft meet.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import PchipInterpolator
from scipy.spatial.transform import Rotation

from bmdpipe.virtual.hip.femur_traits import FemurTraits

Vector = NDArray[np.float64]

BOW_MM = PchipInterpolator(
    [-320.0, -280.0, -210.0, -150.0, -100.0, -60.0, -22.0, 40.0],
    [-7.8, -8.0, -7.0, -4.5, -2.0, -0.5, 0.0, 0.0],
)
"""The shaft's bow (negative: anterior) over the height above the joint, of a femur of scale 1."""
LESSER_APEX_MM = (-23.0, 15.5)
"""Lateral and posterior of the shaft's axis, of a femur of scale 1."""


@dataclass(frozen=True)
class FemurFrame:
    """A femur's traits, side (`R` or `L`) and place of its head's centre (LPS mm)."""

    traits: FemurTraits
    side: str
    centre_mm: Vector

    @cached_property
    def place(self) -> Vector:
        """World directions of the local axes: valgus of the shaft, flexion, turn, the mirror."""
        t = self.traits
        turn = Rotation.from_euler(
            "zyx", [t.rotation_deg, t.valgus_deg, -t.flexion_deg], degrees=True
        )
        return np.diag([1.0 if self.side == "L" else -1.0, 1.0, 1.0]) @ turn.as_matrix()

    @cached_property
    def neck(self) -> Vector:
        """Unit vector from the head's centre down the neck, local."""
        inclination = np.radians(self.traits.neck_shaft_deg)
        level = np.sin(inclination)
        return np.array([*(level * self.outward[:2]), np.cos(inclination)])

    @cached_property
    def outward(self) -> Vector:
        """Horizontal direction of the plane that holds neck and shaft, local."""
        version = np.radians(self.traits.anteversion_deg)
        return np.array([np.cos(version), np.sin(version), 0.0])

    @cached_property
    def backward(self) -> Vector:
        """Normal of the plane that holds neck and shaft, pointing posteriorly, local."""
        return np.array([-self.outward[1], self.outward[0], 0.0])

    @cached_property
    def superior(self) -> Vector:
        """Across the neck, in its plane, upwards, local."""
        return np.cross(self.backward, self.neck) * -1.0

    @cached_property
    def joint(self) -> Vector:
        return self.neck * self.traits.neck_length_mm

    def at(self, local: ArrayLike) -> Vector:
        """World point of a local one."""
        return self.centre_mm + self.place @ np.asarray(local, dtype=float)

    def by_joint(self, x: float, y: float, z: float) -> Vector:
        """World point of one relative to the joint, of a femur of scale 1."""
        return self.at(self.joint + self.traits.scale * np.array([x, y, z]))

    def shaft_point(self, level_mm: float) -> Vector:
        """The shaft's axis (local) at a height above the joint."""
        s = self.traits.scale
        return self.joint + np.array([0.0, s * float(BOW_MM(level_mm / s)), level_mm])

    @property
    def lesser_apex(self) -> Vector:
        """Where the lesser trochanter's bump has its centre, world."""
        x, y = LESSER_APEX_MM
        return self.by_joint(x, y, self.traits.lesser_level_mm / self.traits.scale)

    def directions(self, *local: Vector) -> Vector:
        """World directions as rows."""
        return np.array([self.place @ d for d in local])
