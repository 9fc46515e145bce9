"""The beam that leaves the X-ray tube: tungsten anode, filter, air kerma, half-value layer.

Source: the tables of SpekPy (Poludniowski et al. 2021, Med Phys 48:3630) in `tables`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from bmdpipe.virtual.xray.materials import ALUMINIUM, Material, mass_attenuation, through
from bmdpipe.virtual.xray.tables import (
    AIR_ABSORPTION,
    BREMSSTRAHLUNG,
    ENERGIES_KEV,
    K_LINES,
    LINES_KEV,
    SHARES,
)

FIRST_KEV = 12.5
UGY_PER_KEV_CM2_G = 1.602e-16 * 1e3 * 1e6
"""Joule in a keV, grams in a kilogram, micrograys in a gray."""
MM_PER_CM = 10.0


@dataclass(frozen=True)
class Beam:
    """Photons per mm2 in bins of 1 keV, at 1 m from the focus and for 1 mAs unless said."""

    energy_kev: NDArray[np.float64]
    fluence: NDArray[np.float64]

    def through(self, material: Material, mass_g_cm2: float) -> Beam:
        """What an areal mass lets pass."""
        left = np.exp(-mass_attenuation(material, self.energy_kev) * mass_g_cm2)
        return replace(self, fluence=self.fluence * left)

    def through_aluminium(self, thickness_mm: float) -> Beam:
        return self.through(ALUMINIUM, ALUMINIUM.density * thickness_mm / MM_PER_CM)

    @property
    def air_kerma_ugy(self) -> float:
        absorption = through(ENERGIES_KEV, AIR_ABSORPTION, self.energy_kev)
        per_cm2 = MM_PER_CM**2 * self.fluence
        return float(UGY_PER_KEV_CM2_G * (per_cm2 * self.energy_kev * absorption).sum())

    @property
    def mean_kev(self) -> float:
        return float((self.energy_kev * self.fluence).sum() / self.fluence.sum())


def tube_beam(kvp: float, filter_mm_al: float) -> Beam:
    """The beam of a tube voltage between 60 and 140 kV behind the total filtration.

    Between the tabulated voltages the continuum is interpolated at the same share of the voltage,
    the K lines at the same energy. Raises ValueError outside of them.
    """
    voltages = np.array(sorted(BREMSSTRAHLUNG), dtype=float)
    if not voltages[0] <= kvp <= voltages[-1]:
        raise ValueError(f"tube spectra are known from 60 to 140 kV, not at {kvp}")
    lower = int(np.clip(np.searchsorted(voltages, kvp) - 1, 0, len(voltages) - 2))
    part = (kvp - voltages[lower]) / (voltages[lower + 1] - voltages[lower])
    energy = np.arange(FIRST_KEV, kvp, 1.0)
    # The last bin is cut where the spectrum ends.
    width = np.minimum(1.0, kvp - (energy - 0.5))
    density, lines = np.zeros(energy.size), np.zeros(len(LINES_KEV))
    for weight, voltage in ((1 - part, voltages[lower]), (part, voltages[lower + 1])):
        density += weight * np.interp(energy / kvp, SHARES, BREMSSTRAHLUNG[int(voltage)])
        lines += weight * np.array(K_LINES[int(voltage)])
    fluence = density * width
    for at, amount in zip(LINES_KEV, lines, strict=True):
        if at < energy[-1] + 0.5:
            fluence[round(at - FIRST_KEV)] += amount
    per_mm2 = 1e6 * fluence / MM_PER_CM**2
    return Beam(energy, per_mm2).through_aluminium(filter_mm_al)


def half_value_layer_mm(beam: Beam, share: float = 0.5) -> float:
    """Millimetres of aluminium that leave this share of the air kerma."""
    whole = beam.air_kerma_ugy
    return float(
        brentq(lambda mm: beam.through_aluminium(mm).air_kerma_ugy / whole - share, 0.0, 60.0)
    )


def filter_for(kvp: float, half_value_mm: float) -> float:
    """Total filtration, mm of aluminium, that gives a half-value layer: how IEC 61267 tunes its
    qualities."""
    return float(
        brentq(lambda mm: half_value_layer_mm(tube_beam(kvp, mm)) - half_value_mm, 0.3, 40.0)
    )
