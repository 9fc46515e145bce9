"""The skin: a smooth envelope of muscle and bone, and the fat over it, tabulated on coarse nodes.

There is a table for the trunk and one for each leg with its buttock, so that the legs can move and
their skins touch without growing together. A table holds signed distances in mm, `[z, y, x]`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from bmdpipe.virtual.hip.body_frame import BonyFrame
from bmdpipe.virtual.hip.body_traits import BodyTraits
from bmdpipe.virtual.hip.cavity import CENTRE_Y_MM, Cavity, cavity_distance, wall_thickness
from bmdpipe.virtual.hip.muscles import Muscles
from bmdpipe.virtual.hip.skin_table import PITCH_MM, envelope
from bmdpipe.virtual.shape.primitives import Table, cone, smooth_min

SMOOTH_NODES = 1.5
"""Skin bridges the furrows between muscles."""
LOW_MM, HIGH_MM = -330.0, 290.0
LEG_BLEND_MM, TRUNK_BLEND_MM = 14.0, 22.0


@dataclass(frozen=True)
class Nodes:
    """A table and the place of its first node."""

    values: NDArray[np.float64]
    origin_mm: NDArray[np.float64]


@dataclass(frozen=True)
class Skin:
    """Tables by body part, and what they reach, mm."""

    trunk: Nodes
    legs: dict[str, Nodes]
    half_width_mm: float
    front_mm: float
    back_mm: float


def build_skin(
    frame: BonyFrame, body: BodyTraits, muscles: Muscles, cavity: Cavity, male: bool
) -> Skin:
    """The outline of a subject that lies at rest, before a table flattens the back."""
    trunk = _trunk(frame, body, muscles, cavity, male)
    legs = {s: _leg(frame, body, muscles, s) for s in ("R", "L")}
    parts = [trunk, *legs.values()]
    reach = np.array([_reach(part) for part in parts])
    return Skin(
        trunk=trunk,
        legs=legs,
        half_width_mm=float(max(-reach[:, 0].min(), reach[:, 1].max())),
        front_mm=float(reach[:, 2].min()),
        back_mm=float(reach[:, 3].max()),
    )


def _reach(nodes: Nodes) -> list[float]:
    inside = nodes.values < 0
    x = nodes.origin_mm[0] + PITCH_MM * np.flatnonzero(inside.any(axis=(0, 1)))
    y = nodes.origin_mm[1] + PITCH_MM * np.flatnonzero(inside.any(axis=(0, 2)))
    return [x[0], x[-1], y[0], y[-1]]


def _axes(low: tuple[float, float], half: float) -> list[NDArray[np.float64]]:
    ranges = ((-half, half), low, (LOW_MM, HIGH_MM))
    return [np.arange(a, b + PITCH_MM, PITCH_MM) for a, b in ranges]


def _leg(frame: BonyFrame, body: BodyTraits, muscles: Muscles, side: str) -> Nodes:
    number = ("R", "L").index(side)
    rows = muscles.table[muscles.side[muscles.owner] == number]
    size = frame.size(side)
    centre = frame.hips[side].centre_mm

    def bone(p: NDArray, q: NDArray, r: float, end: float) -> Table:
        return cone(p, q, r, end, 0.0, 0, 0)

    filling = [
        bone(frame.thigh(side, -8, 22, 6), frame.thigh(side, 40, 18, 6), 15 * size, 15 * size),
        bone(frame.pelvis(side, 122, -45, 68), frame.pelvis(side, 135, -32, 90), 6, 6),
        bone(frame.pelvis(side, 68, -48, 6), frame.thigh(side, 90, -34, -30), 12, 14 * size),
        bone(frame.thigh(side, 90, -50, -20), frame.thigh(side, 220, -52, -4), 20, 22 * size),
        bone(frame.pelvis(side, 64, 32, -72), frame.thigh(side, 130, -34, 40), 20, 18 * size),
        bone(frame.thigh(side, 20, 20, 10), frame.thigh(side, 130, 16, 16), 16, 15 * size),
    ]
    lateral = 1.0 if side == "L" else -1.0
    inner, outer = -135.0, 290.0
    x = np.arange(inner, outer, PITCH_MM) if side == "L" else np.arange(-outer, -inner, PITCH_MM)
    y, z = np.arange(-190.0, 230.0, PITCH_MM), np.arange(LOW_MM, HIGH_MM, PITCH_MM)
    values = envelope(x, y, z, np.concatenate([rows, filling]), LEG_BLEND_MM)
    values = gaussian_filter(values, SMOOTH_NODES, mode="nearest")
    values -= _leg_fat(frame, body, side, lateral * (x - centre[0]), y - centre[1], z - centre[2])
    return Nodes(values, np.array([x[0], y[0], z[0]]))


def _leg_fat(
    frame: BonyFrame, body: BodyTraits, side: str, u: NDArray, v: NDArray, z: NDArray
) -> NDArray[np.float64]:
    """Thickness at (lateral, posterior, superior) of the hip joint: by direction and height."""
    size = frame.size(side)
    middle_u, middle_v = 8.0 * size, 4.0
    du, dv = np.meshgrid(u - middle_u, v - middle_v, indexing="xy")
    radius = np.hypot(du, dv) + 25.0
    out, behind = du / radius, dv / radius
    below = np.clip(-z / (170.0 * size), 0.0, 1.3)
    above = np.clip((z - 20.0) / 110.0, 0.0, 1.0)
    lateral = max(body.lateral_mm - 8.0, 3.0) * (1.0 - 0.42 * below)
    lateral += (body.flank_mm - lateral) * above
    posterior = body.posterior_mm * (1.0 - 0.38 * np.clip(below - 0.35, 0.0, 1.0) / 0.65)
    posterior *= 1.0 - 0.35 * above
    anterior = body.anterior_mm * (1.0 - 0.10 * below)
    medial = body.medial_mm * np.ones_like(z)
    terms = (
        (lateral, np.maximum(out, 0.0) ** 2),
        (medial, np.maximum(-out, 0.0) ** 2),
        (posterior, np.maximum(behind, 0.0) ** 2),
        (anterior, np.maximum(-behind, 0.0) ** 2),
    )
    total = np.sum([t[:, None, None] * w[None] for t, w in terms], axis=0)
    weight = np.sum([w for _, w in terms], axis=0)
    return body.side_factor[side] * total / (weight[None] + 1e-9)


def _trunk(
    frame: BonyFrame, body: BodyTraits, muscles: Muscles, cavity: Cavity, male: bool
) -> Nodes:
    x = np.arange(-260.0, 260.0, PITCH_MM)
    y, z = np.arange(-230.0, 230.0, PITCH_MM), np.arange(-140.0, HIGH_MM, PITCH_MM)
    rows = [muscles.table[muscles.side[muscles.owner] == 2]]
    pieces = (
        ((0, 94, 44), (0, 92, 250), 10, 8),
        ((0, 94, 44), (0, 70, 2), 10, 8),
        ((0, -50, -14), (0, -46, -40), 12, 14),
        ((0, -34, -54), (0, 44, -46), 14, 16),
    )
    for a, b, ra, rb in pieces:
        rows.append(cone(frame.pelvis("L", *a), frame.pelvis("L", *b), ra, rb, 0, 0, 0)[None])
    crest = ((120, -42, 70), (138, -6, 104), (112, 36, 124), (62, 80, 106))
    for side in ("R", "L"):
        for a, b in pairwise(crest):
            ends = frame.pelvis(side, *a), frame.pelvis(side, *b)
            rows.append(cone(*ends, 7, 7, 0, 0, 0)[None])
    values = envelope(x, y, z, np.concatenate(rows), TRUNK_BLEND_MM)
    _join_cavity(values, x, y, z, cavity.row(), TRUNK_BLEND_MM)
    values = gaussian_filter(values, SMOOTH_NODES, mode="nearest")
    values -= _trunk_fat(body, x, y, z)
    extra = _apron(body, cavity) + (_genitals(frame) if male else [])
    if extra:
        more = envelope(x, y, z, np.array(extra), 10.0)
        _blend(values, more, 22.0)
    return Nodes(values, np.array([x[0], y[0], z[0]]))


def _trunk_fat(body: BodyTraits, x: NDArray, y: NDArray, z: NDArray) -> NDArray[np.float64]:
    du, dv = np.meshgrid(np.abs(x), y - CENTRE_Y_MM, indexing="xy")
    radius = np.hypot(du, dv) + 20.0
    out, behind = du / radius, dv / radius
    low = np.clip((z + 90.0) / 70.0, 0.0, 1.0)
    front = 8.0 + (body.belly_mm * (0.85 + 0.25 * np.clip((z + 10) / 80, 0, 1)) - 8.0) * low
    back = np.clip(0.45 * body.posterior_mm + 0.1 * body.flank_mm, 6.0, 40.0) * np.ones_like(z)
    terms = (
        (body.flank_mm * np.ones_like(z), out**2),
        (front, np.maximum(-behind, 0.0) ** 2),
        (back, np.maximum(behind, 0.0) ** 2),
    )
    total = np.sum([t[:, None, None] * w[None] for t, w in terms], axis=0)
    return total / (np.sum([w for _, w in terms], axis=0)[None] + 1e-9)


def _apron(body: BodyTraits, cavity: Cavity) -> list[Table]:
    """The fold of fat that hangs over the groin of a heavy subject."""
    if body.panniculus <= 0.0:
        return []
    front = CENTRE_Y_MM - cavity.high_front_mm
    deep = 22.0 + 22.0 * body.panniculus
    low = 52.0 - 38.0 * body.panniculus
    y = front - 0.35 * body.belly_mm
    ends = [np.array([sign * (60.0 + 30.0 * body.panniculus), y + 8.0, low]) for sign in (-1, 1)]
    middle = np.array([0.0, y, low - 8.0])
    return [cone(middle, end, deep, 0.85 * deep, 0, 0, 0) for end in ends]


def _genitals(frame: BonyFrame) -> list[Table]:
    root, tip = frame.pelvis("L", 0, -62, -42), frame.pelvis("L", 0, -74, -86)
    return [cone(root, tip, 17.0, 22.0, 0, 0, 0)]


@numba.njit(parallel=True, error_model="numpy", cache=True)
def _join_cavity(values, xs, ys, zs, cavity, blend):  # pragma: no cover - compiled
    for k in numba.prange(len(zs)):
        for j in range(len(ys)):
            for i in range(len(xs)):
                d = cavity_distance(cavity, xs[i], ys[j], zs[k]) - wall_thickness(cavity, xs[i])
                values[k, j, i] = smooth_min(values[k, j, i], d, blend)


@numba.njit(error_model="numpy", cache=True)
def _blend(values, more, blend):  # pragma: no cover - compiled
    for k in range(values.shape[0]):
        for j in range(values.shape[1]):
            for i in range(values.shape[2]):
                values[k, j, i] = smooth_min(values[k, j, i], more[k, j, i], blend)
