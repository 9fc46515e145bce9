"""Sizes and angles of a subject's femora, which vary by sex and from person to person.

Sources, read as abstract or table: in Koreans head diameter 48.5 (men) and 43.3 mm (women), offset
38.7 and 37.3 mm, neck-shaft angle 129.6 and 130.8 degrees, Cho 2015 (BioMed Res Int 730538);
neck-shaft angle 124.7 +- 6.2, version 14.5 +- 8.1, offset 42.9 +- 6.8 mm in 628 hips, Carmona 2022
(J Arthroplasty); torsion 12.1 (men) and 16.4 degrees (women), PMC4775021; spread of the head's
diameter 6 %, trochanters 67 (men) and 60 mm (women) apart, jocmr.org 3986. Means between these are
taken. Spreads of depths, shaft and trochanter are estimates (unverified).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bmdpipe.virtual.demographics import Person, stream
from bmdpipe.virtual.hip.disease import HipDisease


@dataclass(frozen=True)
class FemurTraits:
    """Sizes in mm, angles in degrees; `scale` multiplies what has no trait of its own.

    Depths are antero-posterior and vary apart from the widths; `disease` has already shortened the
    neck.
    """

    scale: float
    head_radius_mm: float
    neck_shaft_deg: float
    anteversion_deg: float
    neck_length_mm: float
    neck_ratio: float
    neck_depth_ratio: float
    shaft_ratio: float
    shaft_depth_ratio: float
    trochanter_ratio: float
    trochanter_depth_ratio: float
    trochanter_height_mm: float
    lesser_level_mm: float
    valgus_deg: float
    rotation_deg: float
    flexion_deg: float
    disease: HipDisease


def draw_femora(
    person: Person, disease: dict[str, HipDisease], seed: int
) -> dict[str, FemurTraits]:
    """Right and left femur: mostly alike, never the same."""
    rng = stream(seed, person.number, "femora")
    male = person.sex == "M"
    common = np.clip(rng.standard_normal(17), -2.4, 2.4)
    result = {}
    for side in ("R", "L"):
        z = 0.96 * common + 0.28 * rng.standard_normal(17)
        scale = (1.0 if male else 0.90) * (1.0 + 0.035 * z[0])
        deep = 1.0 + 0.065 * z[16]
        shortened = 1.0 - 0.15 * disease[side].deformity
        length = (52.0 if male else 48.0) * (1.0 + 0.03 * z[0] + 0.06 * z[4])
        result[side] = FemurTraits(
            scale=float(scale),
            head_radius_mm=float((24.2 if male else 21.7) * (1.0 + 0.035 * z[0] + 0.035 * z[1])),
            neck_shaft_deg=float((126.5 if male else 128.0) + 5.0 * z[2]),
            anteversion_deg=float((12.1 if male else 16.4) + 7.0 * z[3]),
            neck_length_mm=float(length * shortened),
            neck_ratio=float(0.69 + 0.028 * z[5]),
            neck_depth_ratio=float(deep * (0.78 + 0.05 * z[10])),
            shaft_ratio=float(1.0 + 0.055 * z[6]),
            shaft_depth_ratio=float(deep * (1.0 + 0.04 * z[11])),
            trochanter_ratio=float(1.0 + 0.06 * z[7]),
            trochanter_depth_ratio=float(deep * (1.0 + 0.07 * z[12])),
            trochanter_height_mm=float(2.5 * z[13]),
            lesser_level_mm=float(scale * (-30.0 + 1.8 * z[14])),
            valgus_deg=float(6.5 + 1.0 * z[8]),
            rotation_deg=float(-4.0 + 5.0 * z[9]),
            flexion_deg=float(3.0 + 1.5 * z[15]),
            disease=disease[side],
        )
    return result
