"""A cementless total hip replacement: titanium cup and stem, cobalt-chrome head.

The polyethylene liner between cup and head absorbs like soft tissue and is left out. Sizes follow
the bone; they are those of common products (unverified).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.labels import femur_body
from bmdpipe.core.volume import Volume
from bmdpipe.virtual.hip.femur import Femur
from bmdpipe.virtual.hip.femur_frame import FemurFrame
from bmdpipe.virtual.hip.fine_grid import CtGrid, FineBody, coarser, on_grid
from bmdpipe.virtual.shape.bone import Bone
from bmdpipe.virtual.shape.material import STRUT_COLUMNS
from bmdpipe.virtual.shape.primitives import COLUMNS, Table, cone, cup, slab

Metal = Literal["titanium", "cobalt_chrome"]
METAL_MG_CM3: dict[Metal, float] = {"titanium": 4430.0, "cobalt_chrome": 8300.0}
"""Ti-6Al-4V and Co-Cr-Mo (unverified)."""
HEAD_RADIUS_MM = 16.0
SHELL_MM = 3.0
REAMED_MM = 1.0
"""How far the cup reaches beyond the joint's old surface."""
RESECTED_AT = 0.62
"""Where the femoral neck is cut, as a share of its length from the head's centre."""


@dataclass(frozen=True)
class Implant:
    """One piece of metal; `share.fraction` is the share of metal in a fine voxel, `share.density`
    the mass of metal in mg/cm3."""

    moves_with: str
    material: Metal
    share: FineBody


def resected(femur: Femur) -> Bone:
    """The femur without head and upper neck."""
    frame = femur.frame
    reach = femur.head_reach_mm + 25.0
    depth = RESECTED_AT * frame.traits.neck_length_mm
    cut = cup(frame.centre_mm, frame.place @ frame.neck, reach, depth, 0.5, 0, 0)
    return replace(femur.bone, cuts=np.vstack([femur.bone.cuts, cut]))


def build_implants(
    femur: Femur, opening: NDArray, socket_mm: float, grid: CtGrid, voxel_mm: float
) -> tuple[Implant, ...]:
    """Cup, head and stem of one hip.

    `opening` is the unit vector that the acetabulum faces along, `socket_mm` its radius.
    """
    frame = femur.frame
    body = femur_body(frame.side)
    cup_piece, head, stem = _cup(frame.centre_mm, opening, socket_mm), _head(frame), _stem(frame)
    shares = {
        "cup": _metal([cup_piece], "titanium", grid, voxel_mm),
        "head": _metal([head], "cobalt_chrome", grid, voxel_mm),
        "stem": _metal([stem], "titanium", grid, voxel_mm),
    }
    shares["stem"] = without(shares["stem"], [shares["head"]])
    return (
        Implant("pelvis", "titanium", shares["cup"]),
        Implant(body, "cobalt_chrome", shares["head"]),
        Implant(body, "titanium", shares["stem"]),
    )


def without(bone: FineBody, metals: Sequence[FineBody]) -> FineBody:
    """A body where the metals leave it room: shares never sum to more than one.

    Raises ValueError if a metal's voxels do not divide the body's.
    """
    fraction = bone.fraction.copy()
    density = bone.density.array.copy()
    for metal in metals:
        share = coarser(metal, bone.divide)
        shift = (np.array(metal.first) - bone.first) * bone.divide
        mine, other = [], []
        sizes = zip(shift[::-1], fraction.shape, share.shape, strict=True)
        for offset, size, other_size in sizes:
            start, stop = max(offset, 0), min(offset + other_size, size)
            mine.append(slice(start, max(stop, start)))
            other.append(slice(start - offset, max(stop, start) - offset))
        here, there = tuple(mine), tuple(other)
        room = np.minimum(fraction[here], 1.0 - share[there])
        kept = np.divide(room, fraction[here], out=np.zeros_like(room), where=fraction[here] > 0)
        density[here] *= kept
        fraction[here] = room
    volume = bone.density
    return FineBody(
        fraction,
        Volume(density, volume.spacing_mm, volume.origin_mm, volume.unit),
        bone.first,
        bone.divide,
    )


def _metal(pieces: list[Bone], metal: Metal, grid: CtGrid, voxel_mm: float) -> FineBody:
    return on_grid(pieces, grid, voxel_mm, METAL_MG_CM3[metal], 0.0)


def _piece(solids: list[Table], cuts: list[Table]) -> Bone:
    """Solid metal: `cortex` of the tables is far thicker than any part."""
    return Bone(np.array(solids), np.array(cuts).reshape(-1, COLUMNS), np.empty((0, STRUT_COLUMNS)))


def _cup(centre: NDArray, opening: NDArray, socket_mm: float) -> Bone:
    outer = socket_mm + REAMED_MM
    inner = outer - SHELL_MM
    return _piece(
        [cup(centre, opening, outer, 1.0, 0.5, 1e3, 0)],
        [cone(centre, centre, inner, inner, 0.3, 0, 0)],
    )


def _head(frame: FemurFrame) -> Bone:
    centre = frame.centre_mm
    return _piece([cone(centre, centre, HEAD_RADIUS_MM, HEAD_RADIUS_MM, 0.5, 1e3, 0)], [])


def _stem(frame: FemurFrame) -> Bone:
    """A wedge in the metaphysis that tapers into the canal, and the neck's taper into the head."""
    t, s = frame.traits, frame.traits.scale

    def at(out: float, up: float) -> NDArray[np.float64]:
        return frame.at(frame.joint + s * (out * frame.outward + np.array([0.0, 0.0, up])))

    def axis(up: float) -> NDArray[np.float64]:
        return frame.at(frame.shaft_point(s * up))

    waist = 7.0 * s * t.shaft_ratio
    base = frame.at(frame.neck * 0.74 * t.neck_length_mm)
    corners = [at(6.0, 3.0), at(-9.0, -9.0), axis(-62.0)]
    return _piece(
        [
            cone(frame.at(frame.neck * 4.0), base, 5.5, 6.5, 2.0, 1e3, 0),
            slab(corners, [6.5 * s, 7.5 * s, waist], 2.0, 1e3, 0),
            cone(base, at(-9.0, -9.0), 6.5, 7.5 * s, 3.0, 1e3, 0),
            cone(axis(-60.0), axis(-90.0), waist, 0.86 * waist, 1.0, 1e3, 0),
            cone(axis(-90.0), axis(-118.0), 0.86 * waist, 0.62 * waist, 1.0, 1e3, 0),
        ],
        [],
    )
