"""The hip joint's angles and the motion of a femur that they amount to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bmdpipe.geometry.pose import Matrix, rigid
from bmdpipe.geometry.rotation import about_moving_axes, moving_axes_angles


@dataclass(frozen=True)
class JointAngles:
    """Degrees against the CT. The leg is turned about its length first, then abducted, then flexed;
    extension, adduction and internal rotation are negative."""

    flexion: float
    abduction: float
    external_rotation: float


def joint_motion(angles: JointAngles, side: str, centre_mm: NDArray[np.float64]) -> Matrix:
    """The femur's motion in the CT's world, about the head's centre.

    About +x (left) a hanging leg swings backwards, about +y (posterior) to the patient's right;
    about +z toes that point forward turn to the left.
    """
    left = 1.0 if side == "L" else -1.0
    turns = [-angles.flexion, -left * angles.abduction, left * angles.external_rotation]
    rotation = about_moving_axes(turns)
    centre = np.asarray(centre_mm, dtype=float)
    return rigid(rotation, centre - rotation @ centre)


def joint_angles(motion: Matrix, side: str) -> JointAngles:
    """The angles of a motion; abduction must stay within 90 degrees."""
    left = 1.0 if side == "L" else -1.0
    x, y, z = moving_axes_angles(motion[:3, :3])
    return JointAngles(
        flexion=-float(x), abduction=-left * float(y), external_rotation=left * float(z)
    )
