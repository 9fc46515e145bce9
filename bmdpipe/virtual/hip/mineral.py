"""How much mineral a subject's bones hold: factors on cortex, trabecular and compact bone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bmdpipe.core.config.virtual.density import BoneDensityConfig
from bmdpipe.virtual.demographics import Person, stream

REFERENCE_AGE_YEARS, REFERENCE_BMI = 58.0, 23.5
"""Where age and BMI leave the factors alone: the cohort's middle."""


@dataclass(frozen=True)
class Mineral:
    """Factors on cortical thickness and trabecular density, and the density of compact bone.

    Of the femur alone: `head_neck` and `trochanter` on the trabecular density there, `shaft` on the
    shaft's cortex, `superior` on the neck's upper cortex.
    """

    cortical: float
    trabecular: float
    compact_mg_cm3: float
    head_neck: float
    trochanter: float
    shaft: float
    superior: float


def draw_mineral(config: BoneDensityConfig, person: Person, seed: int) -> Mineral:
    """Age, BMI and sex move all parts; the larger share is the subject's own."""
    rng = stream(seed, person.number, "mineral")
    shared, own, compact, region, shaft, superior = np.clip(rng.standard_normal(6), -2.8, 2.8)
    trabecular_z = config.correlation * shared + np.sqrt(1.0 - config.correlation**2) * own
    years = max(person.age_years, 40.0) - REFERENCE_AGE_YEARS
    heavier = person.bmi - REFERENCE_BMI
    male = (1.0 if person.sex == "M" else 0.0) - 0.18
    cortical = np.exp(
        _log_sd(config.cortical_cv) * shared
        - config.cortical_loss_per_year * years
        + 0.006 * heavier
        + 0.06 * male
    )
    trabecular = np.exp(
        _log_sd(config.trabecular_cv) * trabecular_z
        - config.trabecular_loss_per_year * years
        + 0.008 * heavier
        + 0.04 * male
    )
    porosity = np.exp(_log_sd(config.compact_cv) * compact - config.compact_loss_per_year * years)
    regional = np.exp(_log_sd(config.regional_cv) * region)
    return Mineral(
        cortical=float(cortical) * config.cortical_thickness_scale,
        trabecular=float(trabecular) * config.trabecular_scale,
        compact_mg_cm3=config.cortical_mg_cm3 * float(porosity),
        head_neck=float(regional),
        trochanter=float(1.0 / regional),
        shaft=float(np.exp(_log_sd(config.shaft_cv) * shaft)),
        superior=float(np.exp(-config.superior_loss_per_year * years + 0.2 * superior)),
    )


def _log_sd(cv: float) -> float:
    return float(np.sqrt(np.log1p(cv * cv)))
