"""A caesium iodide flat panel: what it absorbs, how it blurs, how noisy it is.

Source: Marshall et al. 2011, Phys Med Biol 56 (doi 10.1088/0031-9155/56/4/007), six CsI detectors:
modulation transfer of one half at 1.29 +- 0.05 per mm, detective quantum efficiency 0.60 at 0.5 per
mm, normalised noise power 1.42e-5 mm2 at 2.57 uGy. Layer, Swank factor and the part of the noise
that the light's spread does not blur are chosen to meet these figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import erf, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from bmdpipe.virtual.xray.filters import convolved
from bmdpipe.virtual.xray.materials import CAESIUM_IODIDE, mass_attenuation
from bmdpipe.virtual.xray.spectrum import Beam

LAYER_G_CM2 = 0.18
"""About 0.5 mm of needles at four fifths of the crystal's density (unverified)."""
SWANK = 0.78
UNBLURRED = 0.2
"""Share of the quantum noise that is not blurred by the spread of light."""
NARROW = 0.70
"""Share of the light in the narrower of the two Gaussian functions of its spread."""
WIDER = 4.0
"""How much wider the other is."""


PITCH_MM = 0.16
"""Pixels of a panel whose modulation transfer the configured figure is of."""


@dataclass(frozen=True)
class Response:
    """Per photon of each energy: mean signal in keV, and its mean square in keV2."""

    signal: NDArray[np.float64]
    square: NDArray[np.float64]


def response_to(energy_kev: NDArray) -> Response:
    absorbed = 1.0 - np.exp(-mass_attenuation(CAESIUM_IODIDE, energy_kev) * LAYER_G_CM2)
    return Response(absorbed * energy_kev, absorbed * energy_kev**2 / SWANK)


def noise_kev(beam: Beam) -> float:
    """Variance over mean of the detected energy, keV: the energy of an effective quantum."""
    response = response_to(beam.energy_kev)
    return float((beam.fluence * response.square).sum() / (beam.fluence * response.signal).sum())


@dataclass(frozen=True)
class LightSpread:
    """Spread of light in the scintillator: two Gaussian functions, the narrower of `sigma_mm`."""

    sigma_mm: float

    @classmethod
    def of(cls, half_per_mm: float, aperture_mm: float = PITCH_MM) -> LightSpread:
        """Whose transfer, with that of a pixel of this width, falls to one half at a frequency."""

        def at_half(sigma: float) -> float:
            aperture = float(np.sinc(half_per_mm * aperture_mm))
            return float(cls(sigma).transfer(half_per_mm)) * aperture - 0.5

        return cls(float(brentq(at_half, 1e-3, 2.0)))

    def transfer(self, per_mm: NDArray | float) -> NDArray[np.float64]:
        """Modulation transfer of the scintillator alone."""
        exponent = -2.0 * (np.pi * self.sigma_mm * np.asarray(per_mm, dtype=float)) ** 2
        return NARROW * np.exp(exponent) + (1.0 - NARROW) * np.exp(exponent * WIDER**2)

    def kernels(self, pixel_mm: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Taps along a line of the two functions, averaged over a pixel's aperture."""
        narrow, wide = (_taps(s, pixel_mm) for s in (self.sigma_mm, WIDER * self.sigma_mm))
        return narrow, wide


def _taps(sigma_mm: float, pixel_mm: float) -> NDArray[np.float32]:
    reach = int(np.ceil(4.0 * sigma_mm / pixel_mm)) + 1
    edges = (np.arange(-reach, reach + 2) - 0.5) * pixel_mm
    below = np.array([0.5 * (1.0 + erf(e / (sqrt(2.0) * sigma_mm))) for e in edges])
    taps = np.diff(below)
    return (taps / taps.sum()).astype(np.float32)


def blurred(
    image: NDArray[np.float32], spread: LightSpread, pixel_mm: float
) -> NDArray[np.float32]:
    """By the light's spread and the pixel's aperture."""
    narrow, wide = spread.kernels(pixel_mm)
    return convolved(image, ((NARROW, narrow), (1.0 - NARROW, wide)))


def detected(
    energy: NDArray[np.float32],
    quantum_kev: float,
    electronic_kev: float,
    spread: LightSpread,
    pixel_mm: float,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """A reading of each pixel, keV, for the mean energy that reaches it.

    Quantum noise has the variance `quantum_kev` times the energy; most of it arises before the
    light spreads. `electronic_kev` is the standard deviation of what the read-out adds.
    """
    before = rng.standard_normal(energy.shape, dtype=np.float32)
    before *= np.sqrt(np.float32((1.0 - UNBLURRED) * quantum_kev) * energy)
    after = rng.standard_normal(energy.shape, dtype=np.float32)
    floor = np.float32(electronic_kev**2)
    after *= np.sqrt(np.float32(UNBLURRED * quantum_kev) * energy + floor)
    before += energy
    reading = blurred(before, spread, pixel_mm)
    reading += after
    return reading
