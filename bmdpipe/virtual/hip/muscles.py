"""The muscles of hip, thigh and lower trunk, as primitives placed on a subject's bones."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bmdpipe.virtual.hip.body_frame import BonyFrame
from bmdpipe.virtual.hip.body_traits import BodyTraits
from bmdpipe.virtual.hip.muscle_tables import BLEND_MM, CHAINS, SHEETS, Point
from bmdpipe.virtual.shape.primitives import Table, cone, slab

PACKING_MM = 3.5
"""Muscles fill what room their fascia leaves: bellies grow by this until they meet."""
TENDON_MM = 5.0
"""Up to this radius a point is a tendon and does not grow."""


@dataclass(frozen=True)
class Muscles:
    """Rows of primitives; rows of one muscle follow one another.

    `owner[row]` is its muscle's number; per muscle: `side` (0 right, 1 left, 2 both), and the
    share of fat within.
    """

    table: Table
    owner: NDArray[np.int64]
    side: NDArray[np.int64]
    infiltration: NDArray[np.float64]
    names: tuple[str, ...]


def build_muscles(frame: BonyFrame, body: BodyTraits) -> Muscles:
    """All muscles of both sides."""
    rows: list[Table] = []
    owner: list[int] = []
    sides: list[int] = []
    fat: list[float] = []
    names: list[str] = []
    for number, side in enumerate(("R", "L")):
        for name, group, own_rows in _of_side(frame, body, side):
            rows += own_rows
            owner += [len(names)] * len(own_rows)
            sides.append(2 if group == "trunk" else number)
            fat.append(0.0 if "vessels" in name else body.infiltration[group])
            names.append(f"{name} {side}")
    return Muscles(np.array(rows), np.array(owner), np.array(sides), np.array(fat), tuple(names))


def _of_side(frame: BonyFrame, body: BodyTraits, side: str) -> list[tuple[str, str, list[Table]]]:
    def place(point: Point, girth: float) -> tuple[NDArray[np.float64], float]:
        kind, a, b, c, r = point
        r += PACKING_MM * float(np.clip((r - TENDON_MM) / 6.0, 0.0, 1.0))
        if kind == "p":
            return frame.pelvis(side, a, b, c), r * girth
        # Muscles wrap the bone: with more girth they also reach further out.
        wide = 0.5 + 0.5 * girth
        return frame.thigh(side, a, b * wide, c * wide), r * girth * frame.size(side)

    result = []
    for name, (group, chain) in CHAINS.items():
        girth = 1.0 if "vessels" in name else body.girth[side][group]
        points = [place(p, girth) for p in chain]
        result.append(
            (
                name,
                group,
                [cone(a, b, ra, rb, BLEND_MM, 0, 0) for (a, ra), (b, rb) in pairwise(points)],
            )
        )
    for name, (group, sheets) in SHEETS.items():
        girth = body.girth[side][group]
        parts = []
        for corners in sheets:
            placed = [place(p, girth) for p in corners]
            parts.append(slab([p for p, _ in placed], [r for _, r in placed], BLEND_MM, 0, 0))
        result.append((name, group, parts))
    return result
