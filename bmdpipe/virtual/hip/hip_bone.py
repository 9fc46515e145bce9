"""One hip bone of a subject: smooth sheets and chains through the placed points of its form."""

from __future__ import annotations

import numpy as np

from bmdpipe.virtual.hip.acetabulum import Socket, socket_cuts, spurs, subchondral
from bmdpipe.virtual.hip.disease import HipDisease
from bmdpipe.virtual.hip.hip_bone_form import BACK, FRONT, RING, SOCKET, SPINE, WING
from bmdpipe.virtual.hip.mineral import Mineral
from bmdpipe.virtual.hip.pelvis_shape import placed
from bmdpipe.virtual.hip.pelvis_traits import PelvisTraits
from bmdpipe.virtual.shape.bone import Bone
from bmdpipe.virtual.shape.primitives import Table, slab
from bmdpipe.virtual.shape.splines import chain, curve, sheet, surface

BLEND_MM = 5.0
"""The form was fitted with this blend, in the order of `_solids`."""
BEYOND_MM = 20.0
"""More than a pubic bone can reach over the midline."""
BANDS = (
    ((62, 44, 78), (72, 32, 60), 6.0, 160.0),
    ((72, 32, 60), (88, 14, 42), 6.5, 150.0),
    ((70, 40, 30), (66, 44, -10), 5.0, 70.0),
    ((66, 44, -10), (62, 44, -50), 6.0, 50.0),
    ((78, -10, 26), (50, -28, 6), 5.0, 60.0),
)
"""Denser trabecular bone: sciatic buttress, posterior and anterior column; sigma mm, mg/cm3."""


def build_hip_bone(
    traits: PelvisTraits, mineral: Mineral, side: str, socket: Socket, ill: HipDisease
) -> Bone:
    """The bone with its acetabulum cut; it ends half a symphysis off the midline."""
    solids = np.concatenate(
        [_solids(traits, mineral, side, socket), spurs(socket, side, traits, ill, mineral)]
    )
    bands = []
    for start, end, sigma, amplitude in BANDS:
        ends = placed(traits, np.array([(*start, 1.0), (*end, 1.0)]), side, socket.radius_mm)
        bands.append([*ends[0, :3], *ends[1, :3], sigma, amplitude * mineral.trabecular])
    bands += subchondral(socket, ill, mineral.trabecular)
    cuts = np.concatenate([socket_cuts(traits, socket, side), _symphysis(traits, side)])
    return Bone(solids, cuts, np.array(bands))


def _solids(traits: PelvisTraits, mineral: Mineral, side: str, socket: Socket) -> Table:
    t, c = mineral.trabecular, mineral.cortical
    wing, ring, cup, back, front, spine = (
        placed(traits, form, side, socket.radius_mm)
        for form in (WING, RING, SOCKET, BACK, FRONT, SPINE)
    )
    return np.concatenate(
        [
            sheet(surface(wing, (4, 3), False), False, 0, BLEND_MM, 0.9 * c, 150 * t),
            sheet(surface(ring, (3, 3), True), True, 1, BLEND_MM, 1.0 * c, 175 * t),
            sheet(surface(cup, (3, 3), True), True, 2, BLEND_MM, 1.1 * c, 190 * t),
            chain(curve(back, 4), 3, BLEND_MM, 1.1 * c, 190 * t),
            chain(curve(front, 4), 4, BLEND_MM, 1.1 * c, 180 * t),
            chain(curve(spine, 4), 5, BLEND_MM, 1.0 * c, 160 * t),
        ]
    )


def _symphysis(traits: PelvisTraits, side: str) -> Table:
    """All that is nearer to the midline than half the fibrous disc between the pubic bones."""
    corners = np.array([(0, -95, 40, 1), (0, -95, -110, 1), (0, 60, -40, 1)], dtype=float)
    where = placed(traits, corners, "L")[:, :3]
    other = -1.0 if side == "L" else 1.0
    where[:, 0] = other * (BEYOND_MM - 0.5 * traits.symphysis_mm)
    return slab(where, [BEYOND_MM] * 3, 4.5, 0, 0)[None]
