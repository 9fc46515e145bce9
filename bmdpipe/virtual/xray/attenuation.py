"""X-ray attenuation of tissue and the spectrum of a diagnostic tube.

Source: mass attenuation coefficients, NIST (Hubbell and Seltzer, NISTIR 5632, tables 3 and 4):
muscle and adipose tissue of ICRU-44, the elements of hydroxyapatite, aluminium. Spectrum: Kramers
1923 with an aluminium filter and the absorption of a caesium iodide screen, on a 5 keV raster.

The coefficients were recalled and not read in the tables (unverified). A test compares mixtures of
the elements with recalled values of water and cortical bone; muscle, adipose tissue and aluminium
are unchecked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ENERGIES_KEV = np.array([20.0, 30.0, 40.0, 50.0, 60.0, 80.0, 100.0])
MUSCLE = np.array([0.8205, 0.3783, 0.2685, 0.2262, 0.2048, 0.1823, 0.1693])
ADIPOSE = np.array([0.5677, 0.3063, 0.2396, 0.2123, 0.1974, 0.1800, 0.1688])
ALUMINIUM = np.array([3.441, 1.128, 0.5685, 0.3681, 0.2778, 0.2018, 0.1704])
HYDROGEN = np.array([0.3695, 0.3570, 0.3458, 0.3355, 0.3260, 0.3091, 0.2944])
OXYGEN = np.array([0.8651, 0.3779, 0.2585, 0.2132, 0.1907, 0.1678, 0.1551])
PHOSPHORUS = np.array([5.352, 1.700, 0.8096, 0.4916, 0.3494, 0.2324, 0.1865])
CALCIUM = np.array([13.06, 4.080, 1.830, 1.019, 0.6578, 0.3656, 0.2571])
HYDROXYAPATITE = 0.3989 * CALCIUM + 0.1850 * PHOSPHORUS + 0.4141 * OXYGEN + 0.0020 * HYDROGEN
"""By mass fraction in Ca10(PO4)6(OH)2, cm2/g as all above."""

MUSCLE_G_CM3, ADIPOSE_G_CM3, APATITE_G_CM3, ALUMINIUM_G_CM3 = 1.05, 0.95, 3.16, 2.699


@dataclass(frozen=True)
class Spectrum:
    """Detected quanta per energy bin (sums to 1) and coefficients, cm2/g, at the bins."""

    energy_kev: NDArray[np.float64]
    weight: NDArray[np.float64]
    muscle: NDArray[np.float64]
    adipose: NDArray[np.float64]
    mineral_excess: NDArray[np.float64]
    """Of bone mineral that displaces as much volume of muscle."""


def at_energies(table: NDArray, energy_kev: NDArray) -> NDArray[np.float64]:
    """A table's values between its energies, straight lines in double logarithm."""
    return np.exp(np.interp(np.log(energy_kev), np.log(ENERGIES_KEV), np.log(table)))


def tube_spectrum(kvp: float, filter_mm_al: float = 3.0) -> Spectrum:
    """The energy that a tube's beam, unattenuated by a patient, leaves in the detector."""
    energy = np.arange(22.5, kvp, 5.0)
    emitted = (kvp - energy) / energy
    filtered = np.exp(-at_energies(ALUMINIUM, energy) * ALUMINIUM_G_CM3 * 0.1 * filter_mm_al)
    absorbed = np.where(energy < 33.2, 0.75, np.clip(0.9 - 0.008 * (energy - 33.2), 0.3, 1.0))
    weight = emitted * filtered * absorbed * energy
    muscle = at_energies(MUSCLE, energy)
    return Spectrum(
        energy_kev=energy,
        weight=weight / weight.sum(),
        muscle=muscle,
        adipose=at_energies(ADIPOSE, energy),
        mineral_excess=at_energies(HYDROXYAPATITE, energy) - muscle * MUSCLE_G_CM3 / APATITE_G_CM3,
    )


def transmission(
    spectrum: Spectrum, muscle: NDArray, adipose: NDArray, mineral: NDArray
) -> NDArray[np.float32]:
    """Detected over emitted energy behind areal masses in g/cm2 (polyenergetic Beer-Lambert)."""
    total = np.zeros(muscle.shape, np.float32)
    for weight, m, a, b in zip(
        spectrum.weight, spectrum.muscle, spectrum.adipose, spectrum.mineral_excess, strict=True
    ):
        depth = np.float32(m) * muscle + np.float32(a) * adipose + np.float32(b) * mineral
        total += np.float32(weight) * np.exp(-depth)
    return total
