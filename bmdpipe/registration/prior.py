"""What is known before a radiograph is looked at: where the source stands, what a joint allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bmdpipe.geometry.pose import apply
from bmdpipe.registration.arrangement import Arrangement


@dataclass(frozen=True)
class Joint:
    """Two bodies that share a point of the CT's world: a femoral head stays in its acetabulum."""

    first: int
    second: int
    centre_mm: NDArray[np.float64]


@dataclass(frozen=True)
class Prior:
    """Standard deviations, mm: of the source's shift (x, y, z; 0 is known), of a joint's gap."""

    source_sd_mm: tuple[float, float, float]
    joint_sd_mm: float
    joints: Sequence[Joint] = ()

    def residuals(self, arrangement: Arrangement) -> NDArray[np.float64]:
        """How many standard deviations off the expectation everything is, `[m]`."""
        sd = np.asarray(self.source_sd_mm)
        off = np.asarray(arrangement.source_mm)[sd > 0] / sd[sd > 0]
        gaps = [
            (
                apply(arrangement.poses[joint.second], joint.centre_mm)
                - apply(arrangement.poses[joint.first], joint.centre_mm)
            )
            / self.joint_sd_mm
            for joint in self.joints
        ]
        return np.concatenate([off, *gaps]) if gaps else off

    def penalty(self, arrangement: Arrangement) -> float:
        return float((self.residuals(arrangement) ** 2).sum())

    @property
    def solves_source(self) -> bool:
        return any(sd > 0 for sd in self.source_sd_mm)
