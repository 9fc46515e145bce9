"""The slice sensitivity profile: how a slice weighs what lies around its place along z.

A helical scan leaves a bell whose width at half height is the slice thickness; it is taken as a
Gaussian. Source: Hsieh, Computed Tomography, 3rd ed., section 9.3 (unverified).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

SIGMA_PER_FWHM = 1.0 / np.sqrt(8.0 * np.log(2.0))
NEGLIGIBLE = 2e-3


def plane_weights(
    thickness_mm: float, slice_mm: float, divide: int, plane_is_mean: bool
) -> tuple[NDArray[np.float64], int]:
    """Weights of planes that divide the slice spacing, and how many lie before the slice's own.

    A plane that holds the mean over its own thickness already blurs; the weights add the rest. With
    even division no plane lies at a slice's centre, and no profile is thinner than two planes.
    """
    step = slice_mm / divide
    variance = (SIGMA_PER_FWHM * thickness_mm) ** 2 - (step**2 / 12.0 if plane_is_mean else 0.0)
    before = int(np.ceil(3.0 * thickness_mm / step))
    offset = (np.arange(-before, divide + before) + 0.5) * step - 0.5 * slice_mm

    def bell(sigma: float) -> NDArray[np.float64]:
        weights = np.exp(-0.5 * (offset**2 - (offset**2).min()) / sigma**2)
        return weights / weights.sum()

    thinnest, widest = 0.05 * step, 2.0 * thickness_mm

    def excess(sigma: float) -> float:
        return float(bell(sigma) @ offset**2 - variance)

    weights = bell(thinnest if excess(thinnest) > 0 else float(brentq(excess, thinnest, widest)))
    kept = np.flatnonzero(weights > NEGLIGIBLE)
    weights = weights[kept[0] : kept[-1] + 1]
    return weights / weights.sum(), before - int(kept[0])


def noise_correlation(thickness_mm: float, distance_mm: NDArray) -> NDArray[np.float64]:
    """Correlation of the noise of two slices: the profile's own autocorrelation."""
    sigma = SIGMA_PER_FWHM * thickness_mm
    return np.exp(-(np.asarray(distance_mm) ** 2) / (4.0 * sigma**2))


def noise_weights(thickness_mm: float, slice_mm: float) -> NDArray[np.float64]:
    """Symmetric weights on white slices, unit in square sum, that leave this correlation."""
    n = 128
    distance = np.minimum(np.arange(n), n - np.arange(n)) * slice_mm
    power = np.fft.rfft(noise_correlation(thickness_mm, distance)).real
    weights = np.fft.fftshift(np.fft.irfft(np.sqrt(np.maximum(power, 0.0)), n))
    reach = int(np.abs(np.flatnonzero(np.abs(weights) > NEGLIGIBLE) - n // 2).max())
    kept = weights[n // 2 - reach : n // 2 + reach + 1]
    return kept / np.sqrt(np.sum(kept**2))
