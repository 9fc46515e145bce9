"""BMD from a projection of the proximal femur: threshold, mean and line (Gu 2023 §3.2, Fig. 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

N_THRESHOLDS = 61
LOWEST_SHARE = 0.1
HIGHEST_QUANTILE = 0.6
AREA_TOLERANCE = 0.35


@dataclass(frozen=True)
class ProjectionFit:
    """How a projection's mean above a threshold becomes BMD, and what it may look like.

    `thresholds_mg_cm2` and `correlations` are the tuning curve; `area_px` the smallest and largest
    area above the threshold and `mean_mg_cm2` the smallest and largest mean among the projections
    that it was fitted on.
    """

    threshold_mg_cm2: float
    slope: float
    intercept: float
    thresholds_mg_cm2: tuple[float, ...]
    correlations: tuple[float, ...]
    area_px: tuple[float, float]
    mean_mg_cm2: tuple[float, float]

    def bmd(self, projections: NDArray) -> NDArray[np.float64]:
        """BMD `[n]`, in the unit of the fitted values, of projections `[n, h, w]` in mg/cm2."""
        return self.slope * mean_above(projections, self.threshold_mg_cm2) + self.intercept

    def implausible(self, projections: NDArray) -> NDArray[np.bool_]:
        """Whether area or mean lie well outside what the fit has seen, `[n]`."""
        areas = reaching(projections, self.threshold_mg_cm2).sum(axis=(1, 2))
        means = mean_above(projections, self.threshold_mg_cm2)
        flags = np.zeros(len(projections), dtype=bool)
        for found, (low, high) in ((areas, self.area_px), (means, self.mean_mg_cm2)):
            flags |= (found < low * (1 - AREA_TOLERANCE)) | (found > high * (1 + AREA_TOLERANCE))
        return flags

    def to_json(self) -> dict:
        return {
            "threshold_mg_cm2": self.threshold_mg_cm2,
            "slope": self.slope,
            "intercept": self.intercept,
            "thresholds_mg_cm2": list(self.thresholds_mg_cm2),
            "correlations": list(self.correlations),
            "area_px": list(self.area_px),
            "mean_mg_cm2": list(self.mean_mg_cm2),
        }

    @classmethod
    def from_json(cls, raw: dict) -> ProjectionFit:
        lists = ("thresholds_mg_cm2", "correlations", "area_px", "mean_mg_cm2")
        return cls(**{**raw, **{name: tuple(raw[name]) for name in lists}})


def reaching(projections: NDArray, threshold: float) -> NDArray[np.bool_]:
    """Where there is bone that reaches the threshold; empty pixels never count."""
    return (projections >= threshold) & (projections > 0)


def mean_above(projections: NDArray, threshold: float) -> NDArray[np.float64]:
    """Mean of the pixels that reach the threshold, `[n]`; 0 where none does."""
    inside = reaching(projections, threshold)
    count = inside.sum(axis=(1, 2))
    total = np.where(inside, projections, 0).sum(axis=(1, 2), dtype=np.float64)
    return total / np.maximum(count, 1)


def fit_projections(projections: NDArray, values: Sequence[float]) -> ProjectionFit:
    """Tune the threshold on true projections `[n, h, w]` and fit the line to their BMD values.

    Of the thresholds from a tenth of the bone's mean to the 60 % quantile of its pixels, the one
    whose means correlate best with the values is taken, the lowest of several. Lower ones would
    suit a true projection, whose background is zero, but not a predicted one, whose background is
    nearly so. Only training folds belong here.
    Raises ValueError if the values or the means do not differ.
    """
    bmd = np.asarray(values, dtype=np.float64)
    bone = projections[projections > 0]
    lowest, highest = LOWEST_SHARE * bone.mean(), np.quantile(bone, HIGHEST_QUANTILE)
    thresholds = np.linspace(lowest, highest, N_THRESHOLDS)
    means = np.stack([mean_above(projections, float(t)) for t in thresholds])
    if np.ptp(bmd) == 0 or np.any(np.ptp(means, axis=1) == 0):
        raise ValueError("projections or BMD values that do not differ cannot be fitted")
    correlations = np.array([np.corrcoef(row, bmd)[0, 1] for row in means])
    best = int(np.argmax(correlations))
    slope, intercept = np.polyfit(means[best], bmd, 1)
    areas = reaching(projections, float(thresholds[best])).sum(axis=(1, 2))
    return ProjectionFit(
        threshold_mg_cm2=float(thresholds[best]),
        slope=float(slope),
        intercept=float(intercept),
        thresholds_mg_cm2=tuple(float(t) for t in thresholds),
        correlations=tuple(float(c) for c in correlations),
        area_px=(float(areas.min()), float(areas.max())),
        mean_mg_cm2=(float(means[best].min()), float(means[best].max())),
    )
