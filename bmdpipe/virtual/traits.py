"""What varies between virtual subjects: sizes and angles of the bones, and their mineral.

Means and spreads by sex follow radiographic and CT anatomy of the hip: head diameter, neck-shaft
angle, anteversion, neck length and inter-hip distance.
Source: Noble 1988 (Clin Orthop 235), Toogood 2009 (Clin Orthop 467), rounded (unverified).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bmdpipe.core.config.virtual import BoneDensityConfig
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


@dataclass(frozen=True)
class PelvisTraits:
    """Relative width, depth and height of the pelvis, its tilt, random shifts of its corners."""

    width: float
    depth: float
    height: float
    hip_distance_mm: float
    tilt_deg: float
    joint_gap_mm: dict[str, float]
    common: dict[str, np.ndarray]
    own: dict[str, dict[str, np.ndarray]]
    flare: float
    thickness: float


@dataclass(frozen=True)
class Mineral:
    """Factors on cortical thickness and on trabecular density, and the density of compact bone."""

    cortical: float
    trabecular: float
    compact_mg_cm3: float


def draw_mineral(config: BoneDensityConfig, person: Person, seed: int) -> Mineral:
    """Age, BMI and sex move both parts; the larger share is the subject's own."""
    rng = stream(seed, person.number, "mineral")
    shared, own, compact = rng.standard_normal(3)
    cortical_z = shared
    trabecular_z = config.correlation * shared + np.sqrt(1.0 - config.correlation**2) * own
    decades = max(person.age_years - 40.0, 0.0) - 18.0
    heavier = person.bmi - 23.5
    male = 1.0 if person.sex == "M" else 0.0
    cortical = np.exp(
        _log_sd(config.cortical_cv) * cortical_z
        - config.cortical_loss_per_year * decades
        + 0.006 * heavier
        + 0.06 * (male - 0.18)
    )
    trabecular = np.exp(
        _log_sd(config.trabecular_cv) * trabecular_z
        - config.trabecular_loss_per_year * decades
        + 0.008 * heavier
        + 0.04 * (male - 0.18)
    )
    return Mineral(
        cortical=float(cortical) * config.cortical_thickness_scale,
        trabecular=float(trabecular) * config.trabecular_scale,
        compact_mg_cm3=config.cortical_mg_cm3 * float(np.clip(1.0 + 0.03 * compact, 0.9, 1.1)),
    )


def _log_sd(cv: float) -> float:
    return float(np.sqrt(np.log1p(cv * cv)))


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


def draw_pelvis(person: Person, seed: int, corners: tuple[str, ...]) -> PelvisTraits:
    """The pelvis; `corners` are the names whose places vary on their own."""
    rng = stream(seed, person.number, "pelvis")
    male = person.sex == "M"
    z = rng.standard_normal(8)
    common = {name: 2.2 * np.clip(rng.standard_normal(3), -2, 2) for name in corners}
    own = {
        side: {name: 1.0 * np.clip(rng.standard_normal(3), -2, 2) for name in corners}
        for side in ("R", "L")
    }
    size = 1.0 + 0.03 * z[0]
    return PelvisTraits(
        width=(0.98 if male else 1.0) * size * (1.0 + 0.02 * z[1]),
        depth=(1.03 if male else 0.98) * size * (1.0 + 0.03 * z[2]),
        height=(1.05 if male else 0.96) * size * (1.0 + 0.02 * z[3]),
        hip_distance_mm=(172.0 if male else 171.0) * size * (1.0 + 0.02 * z[1]),
        tilt_deg=4.0 * z[4],
        joint_gap_mm={
            side: float(np.clip(3.6 + 0.5 * z[5] + 0.3 * rng.standard_normal(), 1.8, 5.0))
            for side in ("R", "L")
        },
        common=common,
        own=own,
        flare=1.0 + 0.05 * z[6],
        thickness=1.0 + 0.07 * z[7],
    )
