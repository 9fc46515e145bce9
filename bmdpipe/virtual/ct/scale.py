"""The scanner's HU scale: its own, what the day adds, what the scan adds; and the day's date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.config.virtual.ct import CtConfig
from bmdpipe.virtual.demographics import stream

NOMINAL_SLOPE = 0.8
"""The slope of a scanner without error; soft tissue drifts with the scale as bone does."""
FIRST_DAY = date(2011, 5, 9)
"""Dataset B was collected from May 2011. Source: Gu 2023 section 4.1."""
DAYS_BETWEEN = 4


@dataclass(frozen=True)
class Scale:
    """density = slope * HU + intercept undoes the scanner's state, mg/cm3."""

    slope: float
    intercept: float

    def hu_of_density(self, density: float) -> float:
        return (density - self.intercept) / self.slope

    def hu_of_nominal(self, hu: float) -> float:
        return (NOMINAL_SLOPE * hu - self.intercept) / self.slope


def scan_day(config: CtConfig, number: int) -> int:
    """Subjects are scanned in their order, several on one day."""
    return (number - 1) // config.subjects_per_day


def scan_date(config: CtConfig, number: int) -> date:
    return FIRST_DAY + timedelta(days=DAYS_BETWEEN * scan_day(config, number))


def draw_scale(config: CtConfig, seed: int, number: int) -> Scale:
    """The scale of one scan; subjects of one day share the day's part."""
    day = _clipped(stream(seed, scan_day(config, number), "ct day"))
    own = _clipped(stream(seed, number, "ct scale"))
    slope = config.slope + config.slope_day_sd * day[0] + config.slope_scan_sd * own[0]
    intercept = (
        config.intercept_mg_cm3
        + config.intercept_day_sd_mg_cm3 * day[1]
        + config.intercept_scan_sd_mg_cm3 * own[1]
    )
    return Scale(round(float(slope), 5), round(float(intercept), 3))


def _clipped(rng: np.random.Generator) -> NDArray[np.float64]:
    return np.clip(rng.standard_normal(2), -2.5, 2.5)
