"""Sizes and angles of a subject's femora, which vary by sex and from person to person.

Source: Noble 1988 (Clin Orthop 235), Toogood 2009 (Clin Orthop 467), rounded (unverified).
"""

from __future__ import annotations

from dataclasses import dataclass

from bmdpipe.virtual.demographics import Person, stream


@dataclass(frozen=True)
class FemurTraits:
    """Sizes in mm, angles in degrees; `scale` multiplies what has no trait of its own."""

    scale: float
    head_radius_mm: float
    neck_shaft_deg: float
    anteversion_deg: float
    neck_length_mm: float
    neck_ratio: float
    shaft_ratio: float
    trochanter_ratio: float
    valgus_deg: float
    rotation_deg: float
    flexion_deg: float


def draw_femora(person: Person, seed: int) -> dict[str, FemurTraits]:
    """Right and left femur: mostly alike, never the same."""
    rng = stream(seed, person.number, "femora")
    male = person.sex == "M"
    common = rng.standard_normal(10)
    result = {}
    for side in ("R", "L"):
        z = common + 0.25 * rng.standard_normal(10)
        scale = (1.0 if male else 0.90) * (1.0 + 0.035 * z[0])
        result[side] = FemurTraits(
            scale=scale,
            head_radius_mm=(24.3 if male else 21.8) * (1.0 + 0.03 * z[0] + 0.03 * z[1]),
            neck_shaft_deg=127.0 + 4.5 * z[2],
            anteversion_deg=(10.0 if male else 13.0) + 7.0 * z[3],
            neck_length_mm=(53.0 if male else 48.5) * (1.0 + 0.03 * z[0] + 0.05 * z[4]),
            neck_ratio=0.68 + 0.025 * z[5],
            shaft_ratio=1.0 + 0.055 * z[6],
            trochanter_ratio=1.0 + 0.06 * z[7],
            valgus_deg=6.5 + 1.0 * z[8],
            rotation_deg=6.0 * z[9],
            flexion_deg=3.0 + 1.5 * rng.standard_normal(),
        )
    return result
