"""Sacrum and coccyx: a curved plate, a canal behind it with its roof, four pairs of foramina."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bmdpipe.virtual.hip.mineral import Mineral
from bmdpipe.virtual.hip.pelvis_shape import placed
from bmdpipe.virtual.hip.pelvis_traits import PelvisTraits
from bmdpipe.virtual.hip.sacrum_form import CANAL, COCCYX, FORAMINA, LAMINA, LATERAL, PLATE
from bmdpipe.virtual.shape.bone import Bone
from bmdpipe.virtual.shape.material import STRUT_COLUMNS
from bmdpipe.virtual.shape.primitives import Table, dilated
from bmdpipe.virtual.shape.splines import chain, curve, sheet, surface

BLEND_MM = 4.0
JOINT_MM = 2.4
"""Sacroiliac joint space, plus what the blends add to a hip bone's surface (about 0.6 mm).

Source: 1 to 3 mm in adults (unverified).
"""


def build_sacrum(traits: PelvisTraits, mineral: Mineral, hips: list[Table]) -> Bone:
    """The bone, kept clear of the tables of the hip bones beside it."""
    t, c = mineral.trabecular, mineral.cortical
    plate, lamina = whole(traits, PLATE), whole(traits, LAMINA)
    coccyx = middle(traits, COCCYX)
    solids = np.concatenate(
        [
            sheet(surface(plate, (4, 4), False), False, 0, BLEND_MM, 0.9 * c, 120 * t),
            sheet(surface(lamina, (3, 3), False), False, 1, BLEND_MM, 0.9 * c, 110 * t),
            *(
                chain(curve(placed(traits, LATERAL, s), 3), part, BLEND_MM, 0.9 * c, 110 * t)
                for part, s in enumerate("RL", start=3)
            ),
            chain(curve(coccyx, 4), 2, 2.0, 0.7 * c, 100 * t),
        ]
    )
    canal = chain(curve(middle(traits, CANAL), 3), -1, 1.0, 0, 0)
    beside = [d[_near_joint(d)] for d in (dilated(table, JOINT_MM) for table in hips)]
    for gap in beside:
        gap[:, 12] = 0.5
    holes = [chain(placed(traits, pair, s), -1, 1.0, 0, 0) for pair in FORAMINA for s in "RL"]
    return Bone(solids, np.concatenate([canal, *holes, *beside]), np.empty((0, STRUT_COLUMNS)))


def middle(traits: PelvisTraits, points: NDArray) -> NDArray[np.float64]:
    """Points of the midline, between where both sides of the pelvis would put them."""
    both = np.mean([placed(traits, points, side) for side in ("R", "L")], axis=0)
    return np.asarray(both, dtype=float)


def whole(traits: PelvisTraits, half: NDArray) -> NDArray[np.float64]:
    """A sheet over both sides, from the columns of its left half; the first is the midline."""
    right = placed(traits, half[:, :0:-1], "R")
    left = placed(traits, half[:, 1:], "L")
    return np.concatenate([right, middle(traits, half[:, :1]), left], axis=1)


def _near_joint(table: Table) -> NDArray[np.bool_]:
    """Rows that can reach the sacrum: those of the wing behind the joint, high and inside."""
    wing = table[:, 16] == 0.0
    return wing & (np.abs(table[:, 0]) < 78.0) & (table[:, 1] > 12.0) & (table[:, 2] > 30.0)
