"""A pelvis from its traits: hip bones as thickened surfaces over named corners, sacrum and L5.

Corners of a hip bone are given for the left side, relative to the middle between the hip joints, as
(lateral, posterior, superior) mm with the joint at (87, 0, 0), and a radius: half the bone's
thickness there.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from bmdpipe.virtual.hip.mineral import Mineral
from bmdpipe.virtual.hip.pelvis_traits import PelvisTraits
from bmdpipe.virtual.hip.sacrum import build_sacrum
from bmdpipe.virtual.shape.bone import Bone
from bmdpipe.virtual.shape.material import STRUT_COLUMNS
from bmdpipe.virtual.shape.primitives import Table, cone, cup, dilated, slab

TABLE_HIP_MM = 87.0
CORNERS: dict[str, tuple[float, float, float, float]] = {
    "roof": (92, 2, 34, 10.0),
    "roof_back": (82, 24, 32, 9.5),
    "inferior_spine": (101, -31, 37, 7.5),
    "superior_spine": (122, -45, 68, 6.0),
    "crest_front": (135, -32, 90, 5.0),
    "tubercle": (138, -6, 107, 6.2),
    "crest_high": (130, 14, 119, 5.0),
    "crest_top": (114, 34, 127, 4.8),
    "crest_back": (88, 58, 125, 5.2),
    "crest_end": (60, 78, 108, 6.2),
    "back_spine": (44, 88, 74, 7.0),
    "back_lower_spine": (43, 77, 42, 6.0),
    "notch": (64, 52, 26, 7.0),
    "auricular": (56, 60, 60, 7.5),
    "arcuate": (66, 34, 34, 7.5),
    "fossa": (110, 8, 78, 2.2),
    "fossa_back": (92, 40, 90, 2.8),
    "front_column": (70, -24, 2, 10.5),
    "ramus": (46, -43, -4, 6.8),
    "pubis_top": (15, -50, -13, 7.0),
    "pubis_low": (12, -43, -43, 6.5),
    "pubis_outer": (27, -48, -20, 6.5),
    "lower_ramus": (31, -18, -63, 5.2),
    "ischium_ramus": (47, 8, -78, 6.5),
    "back_column": (78, 30, -8, 11.5),
    "ischium": (72, 33, -40, 11.5),
    "tuberosity": (64, 32, -72, 13.0),
    "tuberosity_low": (55, 20, -82, 9.0),
    "ischial_spine": (49, 50, -14, 3.6),
    "quadrilateral": (61, 8, 2, 4.0),
    "quadrilateral_low": (63, 12, -28, 4.0),
}
SLABS: tuple[tuple[str, str, str, float, float], ...] = (
    ("roof", "inferior_spine", "fossa", 1.2, 150),
    ("inferior_spine", "superior_spine", "fossa", 1.2, 130),
    ("superior_spine", "crest_front", "fossa", 1.2, 120),
    ("crest_front", "tubercle", "fossa", 1.2, 120),
    ("tubercle", "crest_high", "fossa", 1.2, 120),
    ("crest_high", "crest_top", "fossa", 1.2, 120),
    ("crest_top", "fossa_back", "fossa", 1.2, 110),
    ("crest_top", "crest_back", "fossa_back", 1.2, 120),
    ("crest_back", "crest_end", "fossa_back", 1.3, 120),
    ("crest_end", "auricular", "fossa_back", 1.3, 130),
    ("crest_end", "back_spine", "auricular", 1.3, 130),
    ("back_spine", "back_lower_spine", "auricular", 1.3, 130),
    ("back_lower_spine", "notch", "auricular", 1.5, 150),
    ("notch", "arcuate", "auricular", 1.8, 150),
    ("arcuate", "fossa_back", "auricular", 1.5, 140),
    ("arcuate", "fossa", "fossa_back", 1.3, 130),
    ("roof", "fossa", "arcuate", 1.4, 150),
    ("roof", "roof_back", "arcuate", 1.6, 180),
    ("roof_back", "notch", "arcuate", 1.8, 170),
    ("roof_back", "notch", "back_column", 1.6, 160),
    ("pubis_top", "pubis_low", "pubis_outer", 1.0, 130),
    ("quadrilateral", "arcuate", "front_column", 1.2, 110),
    ("quadrilateral", "quadrilateral_low", "back_column", 1.2, 110),
    ("quadrilateral", "arcuate", "back_column", 1.3, 120),
    ("quadrilateral", "quadrilateral_low", "front_column", 1.0, 100),
    ("ischial_spine", "back_column", "ischium", 1.2, 120),
)
CONES: tuple[tuple[str, str, float, float], ...] = (
    ("front_column", "ramus", 1.5, 140),
    ("ramus", "pubis_top", 1.3, 140),
    ("pubis_low", "lower_ramus", 1.3, 120),
    ("lower_ramus", "ischium_ramus", 1.3, 120),
    ("ischium_ramus", "tuberosity_low", 1.3, 130),
    ("tuberosity_low", "tuberosity", 1.3, 140),
    ("tuberosity", "ischium", 1.5, 140),
    ("ischium", "back_column", 1.7, 150),
    ("back_column", "roof_back", 1.7, 170),
    ("inferior_spine", "roof", 1.4, 150),
    ("superior_spine", "crest_front", 1.3, 130),
    ("crest_front", "tubercle", 1.4, 130),
    ("tubercle", "crest_high", 1.4, 130),
    ("crest_high", "crest_top", 1.4, 130),
    ("crest_top", "crest_back", 1.3, 130),
    ("crest_back", "crest_end", 1.3, 130),
    ("crest_end", "back_spine", 1.3, 130),
    ("roof", "front_column", 1.5, 150),
)  # fmt: skip


def hip_centres(traits: PelvisTraits) -> dict[str, NDArray[np.float64]]:
    """The centres of the acetabula, LPS mm; the middle between them is the origin."""
    half = 0.5 * traits.hip_distance_mm
    return {"R": np.array([-half, 0.0, 0.0]), "L": np.array([half, 0.0, 0.0])}


def crest_top_mm(traits: PelvisTraits) -> float:
    """Height of the iliac crests above the hip joints."""
    return max(
        float((_corner(traits, side, name)[0])[2]) + 5.0
        for side in ("R", "L")
        for name in ("crest_top", "crest_back", "crest_high")
    )


def build_pelvis(
    traits: PelvisTraits, mineral: Mineral, head_radius_mm: dict[str, float]
) -> tuple[Bone, Bone]:
    """The two hip bones, and sacrum with L5; the joints between them stay open."""
    hips = np.concatenate(
        [_hip_bone(traits, mineral, side, head_radius_mm[side]) for side in ("R", "L")]
    )
    cuts = np.concatenate(
        [_hip_cuts(traits, side, head_radius_mm[side]) for side in ("R", "L")]
        + [_symphysis_cut(traits)]
    )
    none = np.empty((0, STRUT_COLUMNS))
    sacrum, foramina = build_sacrum(partial(place, traits), mineral)
    gap = dilated(hips, 1.6)
    gap[:, 12] = 0.5
    return Bone(hips, cuts, none), Bone(sacrum, np.concatenate([foramina, gap]), none)


def _tilt(traits: PelvisTraits) -> NDArray[np.float64]:
    return Rotation.from_euler("x", traits.tilt_deg, degrees=True).as_matrix()


def place(traits: PelvisTraits, point: NDArray) -> NDArray[np.float64]:
    """World point of one in the frame of the table of corners."""
    scaled = point * np.array([traits.width, traits.depth, traits.height])
    return _tilt(traits) @ scaled


def _corner(traits: PelvisTraits, side: str, name: str) -> tuple[NDArray[np.float64], float]:
    """A corner's place and radius; near the joint it follows the hip distance."""
    x, y, z, radius = CORNERS[name]
    wide = x * (1.0 + (traits.flare - 1.0) * np.clip(z / 100.0, 0.0, 1.2))
    local = np.array([wide, y, z]) + traits.common[name] + traits.own[side][name]
    placed = place(traits, local)
    placed[0] += (0.5 * traits.hip_distance_mm - TABLE_HIP_MM * traits.width) * min(x / 60.0, 1.0)
    placed[0] *= 1.0 if side == "L" else -1.0
    thin = traits.thickness * (1.0 + 0.04 * traits.own[side][name][0])
    return placed, radius * thin


def _hip_bone(traits: PelvisTraits, mineral: Mineral, side: str, head_mm: float) -> Table:
    t, c = mineral.trabecular, mineral.cortical
    parts = []
    for one, two, three, cortex, core in SLABS:
        corners = [_corner(traits, side, name) for name in (one, two, three)]
        parts.append(
            slab([p for p, _ in corners], [r for _, r in corners], 4.0, cortex * c, core * t)
        )
    for one, two, cortex, core in CONES:
        (a, ra), (b, rb) = _corner(traits, side, one), _corner(traits, side, two)
        parts.append(cone(a, b, ra, rb, 5.0, cortex * c, core * t))
    centre = hip_centres(traits)[side]
    parts.append(
        cup(centre, _opening(traits, side), head_mm + traits.joint_gap_mm[side] + 6.0, -3.0,
            4.0, 2.0 * c, 240 * t)
    )  # fmt: skip
    return np.array(parts)


def _opening(traits: PelvisTraits, side: str) -> NDArray[np.float64]:
    """Where the acetabulum faces: 43 degrees of inclination, 18 of anteversion."""
    direction = _tilt(traits) @ np.array([0.65, -0.29, -0.70])
    direction /= np.linalg.norm(direction)
    direction[0] *= 1.0 if side == "L" else -1.0
    return direction


def _hip_cuts(traits: PelvisTraits, side: str, head_mm: float) -> Table:
    centre = hip_centres(traits)[side]
    opening = _opening(traits, side)
    ball = head_mm + traits.joint_gap_mm[side]
    medial = np.array([-1.0 if side == "L" else 1.0, 0.0, 0.0])
    fossa = centre + 0.30 * ball * medial - np.array([0, 0, 0.35 * ball])
    notch = centre + 0.45 * ball * medial - np.array([0, 0.1 * ball, 1.35 * ball])
    return np.array(
        [
            cone(centre, centre, ball, ball, 1.0, 0, 0),
            cone(centre, centre + opening * 30.0, ball, ball + 8.0, 1.5, 0, 0),
            cone(fossa, notch, 0.86 * ball, 0.42 * ball, 2.0, 0, 0),
        ]
    )


def _symphysis_cut(traits: PelvisTraits) -> Table:
    corners = [np.array(p, dtype=float) for p in ((0, -75, 15), (0, -75, -75), (0, -10, -30))]
    return slab([place(traits, p) for p in corners], [2.3, 2.3, 2.3], 0.5, 0, 0)[None]
