"""The acetabulum: the ball it fits, its opening, and what arthritis does to it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bmdpipe.virtual.hip.disease import HipDisease
from bmdpipe.virtual.hip.hip_bone_form import FOSSA
from bmdpipe.virtual.hip.mineral import Mineral
from bmdpipe.virtual.hip.pelvis_shape import hip_centres, placed, tilted
from bmdpipe.virtual.hip.pelvis_traits import PelvisTraits
from bmdpipe.virtual.shape.primitives import COLUMNS, Table, cone

OPENING = np.array([0.65, -0.29, -0.70])
"""Inclination 43, anteversion 18 degrees of the left side (unverified)."""
LOADED = np.array([0.32, -0.08, 0.94])
"""Where the roof bears weight, from the centre: up and a little out; there the cartilage goes."""
CONTACT_MM = 0.5
"""What is left between the bones in the worst joint."""
SPURS = ((0.46, -0.04, 0.89), (0.22, -0.52, 0.83), (0.52, 0.27, 0.81), (-0.24, 0.70, -0.67))
"""Directions from the centre to osteophytes: the roof's edge, in front, behind, below."""


@dataclass(frozen=True)
class Socket:
    """An acetabulum in LPS mm: a ball of `radius_mm`; `opening` and `loaded` are unit vectors."""

    centre_mm: NDArray[np.float64]
    radius_mm: float
    opening: NDArray[np.float64]
    loaded: NDArray[np.float64]
    gap_mm: float
    """Joint space before disease."""
    lost_mm: float
    """What disease has taken of it where weight is borne; nothing is lost on the other side."""


def sockets(
    traits: PelvisTraits, head_radius_mm: dict[str, float], disease: dict[str, HipDisease]
) -> dict[str, Socket]:
    """Both acetabula, as they receive the heads, or a cup in place of one."""
    return {
        side: Socket(
            centre_mm=centre,
            radius_mm=head_radius_mm[side] + traits.joint_gap_mm[side],
            opening=_direction(traits, OPENING, side),
            loaded=_direction(traits, LOADED, side),
            gap_mm=traits.joint_gap_mm[side],
            lost_mm=disease[side].narrowing * (traits.joint_gap_mm[side] - CONTACT_MM),
        )
        for side, centre in hip_centres(traits).items()
    }


def socket_cuts(traits: PelvisTraits, socket: Socket, side: str) -> Table:
    """The ball of head and cartilage, and the fossa below it with its notch.

    The ball that is cut out shrinks and sinks by half of what is lost, so that the space is narrow
    under the roof and as before opposite it.
    """
    half = 0.5 * socket.lost_mm
    middle = socket.centre_mm - half * socket.loaded
    ball = socket.radius_mm - half
    floor, notch = placed(traits, FOSSA, side, socket.radius_mm)
    away = middle + 0.8 * ball * socket.opening
    return np.array(
        [
            cone(middle, away, ball, ball, 0.8, 0, 0),
            cone(floor[:3], notch[:3], floor[3], notch[3], 1.5, 0, 0),
        ]
    )


def spurs(socket: Socket, side: str, traits: PelvisTraits, ill: HipDisease, m: Mineral) -> Table:
    """Osteophytes: tongues of bone that carry the rim further out around the head."""
    if ill.osteophytes < 0.1:
        return np.empty((0, COLUMNS))
    parts = []
    for number, place in enumerate(SPURS):
        start = _direction(traits, np.array(place), side)
        length = ill.osteophytes * (9.0, 6.0, 5.0, 8.0)[number]
        base = socket.centre_mm + (socket.radius_mm + 3.2) * start
        tip = base + length * (0.8 * socket.opening + 0.35 * start)
        parts.append(cone(base, tip, 3.4, 1.6, 4.0, 1.2 * m.cortical, 180 * m.trabecular))
    return np.array(parts)


def subchondral(socket: Socket, ill: HipDisease, trabecular: float) -> list[list[float]]:
    """Bands of dense bone over the roof, the sourcil: wider and denser with sclerosis.

    Rows as in `struts` of a bone.
    """
    medial = np.array([-np.sign(socket.centre_mm[0]), 0.0, 0.0])
    medial -= (medial @ socket.loaded) * socket.loaded
    front = np.cross(socket.loaded, medial)
    bands = []
    for tip in (-0.45, 0.0, 0.45):
        arc = []
        for turn in (-0.1, 0.2, 0.5):
            direction = socket.loaded + turn * medial + tip * front
            direction /= np.linalg.norm(direction)
            arc.append(socket.centre_mm + (socket.radius_mm + 2.5) * direction)
        amplitude = 170.0 * trabecular + 260.0 * ill.sclerosis
        sigma = 2.2 + 3.2 * ill.sclerosis
        bands += [[*a, *b, sigma, amplitude] for a, b in pairwise(arc)]
    return bands


def _direction(traits: PelvisTraits, vector: NDArray, side: str) -> NDArray[np.float64]:
    turned = tilted(traits, vector / np.linalg.norm(vector))
    turned[0] *= 1.0 if side == "L" else -1.0
    return turned
