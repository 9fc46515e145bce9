"""Coordinates in a femur that its material is written in, and what part a place belongs to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bmdpipe.virtual.hip.femur_frame import FemurFrame
from bmdpipe.virtual.hip.femur_shape import neck_reach_mm

Field = NDArray[np.float64]


@dataclass(frozen=True)
class FemurSpace:
    """Fields over points of a femur's local frame.

    `out`, `up`: in the plane of neck and shaft, relative to the joint of their axes, over the scale
    (mm of a femur of scale 1). `deep`: out of that plane, posterior, likewise. `down_neck`: from
    the head's centre, mm; `high`: across the neck, upwards, over the neck's half height; `radius`:
    from the head's centre over the head's radius; `direction`: unit vector from it.
    """

    frame: FemurFrame
    out: Field
    up: Field
    deep: Field
    down_neck: Field
    high: Field
    radius: Field
    direction: NDArray[np.float64]

    @classmethod
    def of(cls, frame: FemurFrame, local: NDArray) -> FemurSpace:
        """`local` `[..., 3]` are points of the frame."""
        t = frame.traits
        relative = (local - frame.joint) / t.scale
        length = np.linalg.norm(local, axis=-1)
        return cls(
            frame=frame,
            out=relative @ frame.outward,
            up=relative[..., 2],
            deep=relative @ frame.backward,
            down_neck=local @ frame.neck,
            high=local @ frame.superior / (t.neck_ratio * t.head_radius_mm),
            radius=length / t.head_radius_mm,
            direction=local / np.maximum(length, 1e-6)[..., None],
        )

    @property
    def head(self) -> Field:
        """1 in the head, 0 beyond the junction."""
        return step(neck_reach_mm(self.frame) - 2.0 - self.down_neck, 3.0)

    @property
    def trochanter(self) -> Field:
        """1 in the greater trochanter, 0 medially and in the shaft."""
        return step(self.out - 2.0 - 0.25 * self.up, 4.0) * step(self.up + 14.0, 6.0)

    @property
    def shaft(self) -> Field:
        """1 below the trochanters, 0 above."""
        return step(-self.up - 26.0 - 0.35 * self.out, 7.0)

    @property
    def neck(self) -> Field:
        return (1.0 - self.head) * (1.0 - self.trochanter) * (1.0 - self.shaft)


def step(value: Field, width: float) -> Field:
    """A smooth step from 0 to 1 where `value` passes zero, over about four widths."""
    return 0.5 * (1.0 + np.tanh(value / width))


def band(distance: Field, sigma: float | Field) -> Field:
    return np.exp(-0.5 * (distance / sigma) ** 2)
