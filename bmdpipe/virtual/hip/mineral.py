"""How much mineral a subject's bones hold: factors on cortical thickness and trabecular density."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bmdpipe.core.config.virtual.density import BoneDensityConfig
from bmdpipe.virtual.demographics import Person, stream


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
