"""A femur from its traits: shape, material, and the eight landmarks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.config.virtual.density import BoneDensityConfig
from bmdpipe.virtual.hip.femur_frame import FemurFrame
from bmdpipe.virtual.hip.femur_material import femur_material
from bmdpipe.virtual.hip.femur_shape import (
    femur_cuts,
    femur_solids,
    femur_sweeps,
    head_reach_mm,
    neck_reach_mm,
)
from bmdpipe.virtual.hip.femur_traits import FemurTraits
from bmdpipe.virtual.hip.mineral import Mineral
from bmdpipe.virtual.shape.bone import Bone as Bone
from bmdpipe.virtual.shape.material import STRUT_COLUMNS


@dataclass(frozen=True)
class Femur:
    """A placed femur (LPS mm): its implicit function, landmarks and lesser trochanter.

    `head_reach_mm` is the head's largest radius, which the acetabulum has to clear.
    """

    bone: Bone
    frame: FemurFrame
    landmarks: dict[str, NDArray[np.float64]]
    lesser_trochanter_mm: NDArray[np.float64]
    shaft_direction: NDArray[np.float64]
    head_reach_mm: float


def build_femur(
    traits: FemurTraits,
    mineral: Mineral,
    config: BoneDensityConfig,
    side: str,
    head_centre_mm: NDArray,
) -> Femur:
    """The femur of one side with its head at `head_centre_mm`."""
    frame = FemurFrame(traits, side, np.asarray(head_centre_mm, dtype=float))
    bone = Bone(
        solids=femur_solids(frame),
        cuts=femur_cuts(frame),
        struts=np.empty((0, STRUT_COLUMNS)),
        sweeps=femur_sweeps(frame),
        material=femur_material(frame, mineral, config),
    )
    return Femur(
        bone=bone,
        frame=frame,
        landmarks=_landmarks(frame, bone),
        lesser_trochanter_mm=frame.lesser_apex,
        shaft_direction=frame.place @ np.array([0.0, 0.0, -1.0]),
        head_reach_mm=head_reach_mm(frame),
    )


def _landmarks(frame: FemurFrame, bone: Bone) -> dict[str, NDArray[np.float64]]:
    traits = frame.traits
    reach = neck_reach_mm(frame)
    junction = frame.at(frame.neck * reach)
    landmarks = {
        "head_centre": frame.centre_mm,
        "neck_centre": frame.at(frame.neck * (0.5 * (reach + 0.8 * traits.neck_length_mm))),
    }
    for name, direction in (
        ("superior", frame.superior),
        ("inferior", -frame.superior),
        ("anterior", -frame.backward),
        ("posterior", frame.backward),
    ):
        landmarks[f"junction_{name}"] = _surface(bone, junction, frame.place @ direction)
    for name, below in (("shaft_2cm", 20.0), ("shaft_5cm", 50.0)):
        landmarks[name] = frame.at(frame.shaft_point(traits.lesser_level_mm - below))
    return landmarks


def _surface(bone: Bone, inside: NDArray, direction: NDArray) -> NDArray[np.float64]:
    """Where a ray from inside the bone leaves it, by bisection to a hundredth of a millimetre."""
    near, far = 0.0, 60.0
    while far - near > 0.005:
        middle = 0.5 * (near + far)
        if bone.distance(inside + middle * direction) < 0:
            near = middle
        else:
            far = middle
    return inside + near * direction
