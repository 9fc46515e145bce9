"""BMD from a projection of the proximal femur: threshold, mean and line (Gu 2023 §3.2, Fig. 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bmdpipe.pairs.mapped import ImageStack, in_parts
from bmdpipe.pairs.normalise import positive_quantile
from bmdpipe.pairs.store import Pairs
from bmdpipe.training.data import Part

N_THRESHOLDS = 61
LOWEST_SHARE = 0.1
HIGHEST_QUANTILE = 0.6
AREA_TOLERANCE = 0.35
CONSTANT = "projections or BMD values that do not differ cannot be fitted"


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

    def bmd(self, projections: ImageStack) -> NDArray[np.float64]:
        """BMD `[n]`, in the unit of the fitted values, of projections `[n, h, w]` in mg/cm2."""
        means, _ = means_above(projections, np.array([self.threshold_mg_cm2]))
        return self.slope * means[0] + self.intercept

    def implausible(self, projections: ImageStack) -> NDArray[np.bool_]:
        """Whether area or mean lie well outside what the fit has seen, `[n]`."""
        means, areas = means_above(projections, np.array([self.threshold_mg_cm2]))
        flags = np.zeros(len(projections), dtype=bool)
        for found, (low, high) in ((areas[0], self.area_px), (means[0], self.mean_mg_cm2)):
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


def means_above(
    projections: ImageStack, thresholds: NDArray
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Mean and number of the pixels that reach each threshold, both `[thresholds, n]`.

    Empty pixels never count; the mean is 0 where no pixel reaches.
    """
    n = len(projections)
    means, counts = np.zeros((len(thresholds), n)), np.zeros((len(thresholds), n), dtype=np.int64)
    images = (image for part in in_parts(projections) for image in part)
    for column, image in enumerate(images):
        bone = np.sort(image[image > 0].astype(np.float64))
        # What lies at or above a threshold is the end of the sorted pixels.
        from_below = np.concatenate([[0.0], np.cumsum(bone)])
        first = np.searchsorted(bone, thresholds)
        counts[:, column] = len(bone) - first
        total = from_below[-1] - from_below[first]
        means[:, column] = total / np.maximum(counts[:, column], 1)
    return means, counts


def fit_projections(projections: ImageStack, values: Sequence[float]) -> ProjectionFit:
    """Tune the threshold on true projections `[n, h, w]` and fit the line to their BMD values.

    Of the thresholds from a tenth of the bone's mean to the 60 % quantile of its pixels, the one
    whose means correlate best with the values is taken, the lowest of several. Lower ones would
    suit a true projection, whose background is zero, but not a predicted one, whose background is
    nearly so. Only training folds belong here.
    Raises ValueError if the values or the means do not differ.
    """
    bmd = np.asarray(values, dtype=np.float64)
    whole, pixels = means_above(projections, np.array([0.0]))
    bone_mean = float((whole * pixels).sum() / max(pixels.sum(), 1))
    if np.ptp(bmd) == 0 or bone_mean == 0:
        raise ValueError(CONSTANT)
    highest = positive_quantile(projections, HIGHEST_QUANTILE)
    thresholds = np.linspace(LOWEST_SHARE * bone_mean, highest, N_THRESHOLDS)
    means, areas = means_above(projections, thresholds)
    if np.any(np.ptp(means, axis=1) == 0):
        raise ValueError(CONSTANT)
    correlations = np.array([np.corrcoef(row, bmd)[0, 1] for row in means])
    best = int(np.argmax(correlations))
    slope, intercept = np.polyfit(means[best], bmd, 1)
    return ProjectionFit(
        threshold_mg_cm2=float(thresholds[best]),
        slope=float(slope),
        intercept=float(intercept),
        thresholds_mg_cm2=tuple(float(t) for t in thresholds),
        correlations=tuple(float(c) for c in correlations),
        area_px=(float(areas[best].min()), float(areas[best].max())),
        mean_mg_cm2=(float(means[best].min()), float(means[best].max())),
    )


def fit_known_projections(
    pairs: Pairs, kind: str, value_of: Mapping[str, float | None]
) -> ProjectionFit:
    """`fit_projections` on the images of a kind whose subject has a value; raises as it does."""
    values = [value_of[case.subject] for case in pairs.cases]
    kept = [i for i, value in enumerate(values) if value is not None]
    return fit_projections(
        Part(pairs.images[kind], np.array(kept)), [v for v in values if v is not None]
    )
