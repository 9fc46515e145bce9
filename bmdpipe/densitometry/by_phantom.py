"""The calibration line through the rods of the phantom under the patient.

Source: Uemura 2021; Gu 2023 §4.1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.config.calibration import CalibrationConfig
from bmdpipe.core.errors import CaseError
from bmdpipe.core.volume import Volume
from bmdpipe.densitometry.calibration_line import Calibration, Rod, fit_line
from bmdpipe.densitometry.phantoms import PHANTOMS, ha_densities
from bmdpipe.densitometry.rods import Rods, find_rods

HIDDEN_ROD_HU = 15.0
"""A rod as dense as the base has no edge; its HU may miss the others' line by this much."""
MIN_LENGTH_MM = 20.0


def calibrate_by_phantom(
    ct: Volume, config: CalibrationConfig, case: str
) -> tuple[Calibration, Rods]:
    """The line of a canonical CT, and where the rods are.

    Raises CaseError: E_NO_PHANTOM if the rods are not all there, E_CALIBRATION if their HU do not
    rise along a line.
    """
    if not np.allclose(ct.direction, np.eye(3), atol=1e-3):
        raise ValueError("calibration needs a canonical CT")
    densities = np.array(ha_densities(PHANTOMS[config.phantom]))
    rods = find_rods(ct, len(densities), config)
    seen = int(rods.seen.sum())
    if seen < len(densities) - 1:
        raise _no_phantom(case, seen, len(densities), "no row of rods under the patient")
    length = rods.z_range_mm[1] - rods.z_range_mm[0]
    if length < MIN_LENGTH_MM:
        raise _no_phantom(case, seen, len(densities), f"they are only {length:.0f} mm long")
    means, deviations = measure_rods(ct, rods, config)
    # The ends tell which way round the phantom lies.
    order = np.arange(len(densities))
    if np.corrcoef(means, densities)[0, 1] < 0:
        order = order[::-1]
    hidden = ~rods.seen[order]
    if hidden.any() and _miss(densities, means[order], hidden) > HIDDEN_ROD_HU:
        raise _no_phantom(case, seen, len(densities), "one is missing from its place")
    slope, intercept, correlation = fit_line(means[order], densities)
    _check(slope, correlation, means[order], config, case)
    middle = (rods.z_range_mm[0] + rods.z_range_mm[1]) / 2
    centres = ct.world_at(
        np.column_stack([rods.at(middle), np.full(len(densities), middle)]) / ct.spacing_mm
    )
    return (
        Calibration(
            config.phantom,
            slope,
            intercept,
            correlation,
            rods=tuple(
                Rod(
                    float(density),
                    float(means[n]),
                    float(deviations[n]),
                    (float(centres[n, 0]), float(centres[n, 1]), float(centres[n, 2])),
                )
                for density, n in zip(densities, order, strict=True)
            ),
        ),
        rods,
    )


def measure_rods(
    ct: Volume, rods: Rods, config: CalibrationConfig
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean HU of each rod and the pixels' standard deviation, in x order.

    Slices whose mean is an outlier for their rod (something lies in it) do not count.
    """
    sx, sy, sz = ct.spacing_mm
    reach = rods.radius_mm * config.rod_inner_fraction
    first, last = (round(z / sz) for z in rods.z_range_mm)
    means = np.empty((last - first + 1, len(rods.first_mm)))
    variances = np.empty_like(means)
    for row, k in enumerate(range(first, last + 1)):
        for n, (x, y) in enumerate(rods.at(k * sz)):
            left, top = (
                max(int(np.ceil((x - reach) / sx)), 0),
                max(int(np.ceil((y - reach) / sy)), 0),
            )
            part = ct.array[k, top : int((y + reach) / sy) + 1, left : int((x + reach) / sx) + 1]
            across = (np.arange(part.shape[1]) + left) * sx - x
            down = (np.arange(part.shape[0]) + top) * sy - y
            inside = part[down[:, None] ** 2 + across**2 <= reach**2].astype(float)
            means[row, n] = inside.mean() if inside.size else np.nan
            variances[row, n] = inside.var() if inside.size else np.nan
    good = _typical(means, config.outlier_limit)
    return np.nanmean(np.where(good, means, np.nan), axis=0), np.sqrt(np.median(variances, axis=0))


def _typical(means: NDArray, limit: float) -> NDArray[np.bool_]:
    """Which slice means `[slice, rod]` lie within `limit` robust standard deviations of their rod's
    median; the deviation is taken anew from those that stay."""
    good = np.ones(means.shape, bool)
    for _ in range(5):
        kept = np.where(good, means, np.nan)
        middle = np.nanmedian(kept, axis=0)
        spread = 1.4826 * np.nanmedian(np.abs(kept - middle), axis=0)
        good = np.abs(means - middle) <= limit * np.maximum(spread, 0.2)
    return good


def _miss(densities: NDArray, means: NDArray, hidden: NDArray) -> float:
    """How far (HU) the hidden rod is from the line through the others."""
    line = np.polyfit(densities[~hidden], means[~hidden], 1)
    return float(np.abs(np.polyval(line, densities[hidden]) - means[hidden]).max())


def _no_phantom(case: str, seen: int, count: int, why: str) -> CaseError:
    return CaseError(
        "E_NO_PHANTOM",
        case,
        f"{seen} of {count} rods found, {why}; look at the CT, or set calibration.mode to "
        "'phantomless' or 'none' for the cohort",
    )


def _check(
    slope: float, correlation: float, means: NDArray, config: CalibrationConfig, case: str
) -> None:
    listed = ", ".join(f"{mean:.0f}" for mean in means)
    fault = None
    if not correlation >= config.min_correlation:
        fault = f"correlation {correlation:.4f} is below {config.min_correlation}"
    elif not np.all(np.diff(means) > 0):
        fault = "the rods' HU do not rise with their density"
    elif not config.min_slope <= slope <= config.max_slope:
        fault = f"slope {slope:.3f} is outside {config.min_slope} to {config.max_slope}"
    if fault:
        raise CaseError(
            "E_CALIBRATION", case, f"{fault} (rods at {listed} HU); see whether it is this phantom"
        )
