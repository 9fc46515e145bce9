"""Beam hardening: what water correction leaves of it, in a coarse picture of the slice.

A scanner maps each ray's reading to the water that would explain it. Bone and metal harden the beam
more than water: their rays read too low where much is in the way, which back-projects to dark bands
between them. The small residual of water itself makes a cup.
Source: Brooks and Di Chiro 1976, Phys Med Biol 21; Joseph and Spital 1978, J Comput Assist Tomogr
2 (as remembered, unverified).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.config.virtual.ct import CtConfig
from bmdpipe.virtual.ct.noise import REFERENCE_DIAMETER_MM

ENERGY_KEV = np.array([40.0, 50.0, 60.0, 70.0, 80.0, 100.0, 115.0])
BIN_KEV = np.array([10.0, 10.0, 10.0, 10.0, 15.0, 17.5, 15.0])
ALUMINIUM = np.array([0.5684, 0.3682, 0.2778, 0.2301, 0.2018, 0.1704, 0.1569])
WATER = np.array([0.2683, 0.2270, 0.2059, 0.1929, 0.1837, 0.1708, 0.1635])
APATITE = np.array([0.9876, 0.5866, 0.4067, 0.3131, 0.2589, 0.2019, 0.1791])
TITANIUM = np.array([2.1243, 1.1681, 0.7399, 0.5197, 0.3943, 0.2666, 0.2185])
COBALT_CHROME = np.array([4.2025, 2.2720, 1.3936, 0.9382, 0.6784, 0.4151, 0.3173])
"""Mass attenuation, cm2/g, from xraylib 4.3 (Schoonjans 2011); Ti-6Al-4V and Co-28Cr-6Mo."""
FILTER_G_CM2 = 2.699 * 0.8
"""8 mm of aluminium stand for tube, filter and bow-tie (unverified)."""
WATER_PER_MM = 0.01929
"""Linear attenuation of water at 70 keV, near the mean behind a pelvis."""
HU_PER_MG_CM3 = 1.25
PHANTOM_PATH_MM = 235.0
"""Water on the mean ray through a rod under a pelvis: there the scale shows mineral in full (set so
that calibration is unbiased). Bone in the body lies behind more and shows less, which no phantom
under the patient can tell."""
SEEN = 2e-4
"""Share of the open beam that reads as signal behind any thickness: scatter, electronics."""


@dataclass(frozen=True)
class Metal:
    """An implant's alloy; `hu` is what its thickness reads like on average, above the scale."""

    hu: float
    g_cm3: float
    attenuation: NDArray[np.float64]


METALS: dict[str, Metal] = {
    "titanium": Metal(7000.0, 4.43, TITANIUM),
    "cobalt_chrome": Metal(12000.0, 8.3, COBALT_CHROME),
}


@dataclass(frozen=True)
class Beam:
    """The detected spectrum and its response to water, tabulated every millimetre."""

    weight: NDArray[np.float64]
    water_reading: NDArray[np.float64]
    apatite_per_mm: float
    """Attenuation per mm and g/cm3 of mineral that the scale expects."""

    @staticmethod
    def of(kvp: float) -> Beam:
        open_kev = np.clip(kvp - ENERGY_KEV, 0.0, None)
        weight = open_kev * BIN_KEV * np.exp(-ALUMINIUM * FILTER_G_CM2)
        weight /= weight.sum()
        length_cm = 0.1 * np.arange(0.0, 1500.0)
        through = np.exp(-np.outer(length_cm, WATER)) @ weight
        reading = -np.log(through + SEEN)
        beam = Beam(weight, reading, 0.0)
        reference = np.array([PHANTOM_PATH_MM])
        little = 0.1
        rise = beam._as_water(reference, np.array([little]), {}) - reference
        return Beam(weight, reading, float(WATER_PER_MM * rise[0] / (10.0 * little)))

    def _as_water(
        self, water_mm: NDArray, apatite_g_cm2: NDArray, metal_mm: dict[str, NDArray]
    ) -> NDArray[np.float64]:
        """Millimetres of water that explain the reading behind these thicknesses."""
        depth = np.multiply.outer(0.1 * water_mm, WATER)
        depth += np.multiply.outer(apatite_g_cm2, APATITE - WATER / 3.16)
        for name, length in metal_mm.items():
            metal = METALS[name]
            depth += np.multiply.outer(0.1 * metal.g_cm3 * length, metal.attenuation)
        reading = -np.log(np.exp(-depth) @ self.weight + SEEN)
        return np.interp(reading, self.water_reading, np.arange(len(self.water_reading)))

    def error(
        self,
        water_mm: NDArray,
        apatite_g_cm2: NDArray,
        metal_mm: dict[str, NDArray],
        bone_left: float,
    ) -> NDArray[np.float64]:
        """Reading minus the one that is linear in every material, in attenuation.

        `bone_left` is the share of bone's error that the scanner's own correction leaves.
        """
        plain = self._as_water(water_mm, apatite_g_cm2, {})
        ideal = water_mm * WATER_PER_MM + 10.0 * self.apatite_per_mm * apatite_g_cm2
        error = bone_left * (plain * WATER_PER_MM - ideal)
        if metal_mm:
            error += (self._as_water(water_mm, apatite_g_cm2, metal_mm) - plain) * WATER_PER_MM
            for name, length in metal_mm.items():
                error -= WATER_PER_MM * (1.0 + METALS[name].hu / 1000.0) * length
        return error


def cup_coefficient(config: CtConfig) -> float:
    """c of a reading that is low by c P^2 and so leaves a cup of the configured depth.

    In a cylinder of radius R, P^2 = 4 mu^2 (R^2 - t^2) is the projection of
    (8 / pi) mu^2 sqrt(R^2 - r^2): the cup is that deep at the middle and nothing at the edge.
    """
    radius = 0.5 * REFERENCE_DIAMETER_MM
    return config.cupping_hu * np.pi / (8000.0 * WATER_PER_MM * radius)


MEAN_CUP = 2.0 / 3.0
"""Mean over a disc of sqrt(1 - r^2): the scale is set to the reference cylinder's mean."""
