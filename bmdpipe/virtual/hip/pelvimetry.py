"""Distances and angles of a pelvis that the literature gives, from its form alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.labels import SIDES
from bmdpipe.virtual.hip.acetabulum import Socket
from bmdpipe.virtual.hip.hip_bone_form import RING, SPINE
from bmdpipe.virtual.hip.pelvis_shape import placed
from bmdpipe.virtual.hip.pelvis_traits import PelvisTraits

TEARDROP = np.array([59.0, -2.0, -20.0, 0.0])
"""The lowest point of the acetabular fossa's floor, where the wall's two sides meet in a drop."""
ARCH_COLUMNS = slice(5, 8)


def teardrops(traits: PelvisTraits, sockets: dict[str, Socket]) -> dict[str, NDArray[np.float64]]:
    """The inferior tips of both teardrops, LPS mm."""
    return {s: placed(traits, TEARDROP, s, sockets[s].radius_mm)[:3] for s in SIDES}


def inter_teardrop_mm(traits: PelvisTraits, sockets: dict[str, Socket]) -> float:
    """Distance between the teardrops in the frontal plane."""
    tips = teardrops(traits, sockets)
    return float(np.hypot(*(tips["L"] - tips["R"])[[0, 2]]))


def subpubic_angle_deg(traits: PelvisTraits) -> float:
    """Angle between the lower edges of the inferior pubic rami, seen square to the pubic arch.

    On a frontal radiograph, which sees the arch foreshortened, it is some 25 degrees larger.
    """
    total = 0.0
    for side in SIDES:
        edge = placed(traits, RING[-1, ARCH_COLUMNS], side)[:, :3]
        ramus = edge[-1] - edge[0]
        total += float(np.degrees(np.arctan2(abs(ramus[0]), np.hypot(ramus[1], ramus[2]))))
    return total


def intertuberous_mm(traits: PelvisTraits) -> float:
    """Distance between the inner edges of the ischial tuberosities."""
    inner = [placed(traits, RING[-1, 8], side) for side in SIDES]
    return float(sum(abs(p[0]) - p[3] for p in inner))


def interspinous_mm(traits: PelvisTraits) -> float:
    """Distance between the tips of the ischial spines."""
    tips = [placed(traits, SPINE[-1], side) for side in SIDES]
    return float(sum(abs(p[0]) - p[3] for p in tips))
