"""What the beam passes: tissue, bone mineral, metal, aluminium, and the detector's scintillator.

Source of the coefficients: NIST (Hubbell and Seltzer, NISTIR 5632), in `tables`. Compositions by
mass: muscle, adipose tissue and whole blood of ICRU-44 and dry air as NIST lists them;
hydroxyapatite Ca10(PO4)6(OH)2 and caesium iodide from their formulas; Ti-6Al-4V, and Co-28Cr-6Mo of
ASTM F75 (unverified).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bmdpipe.virtual.xray.tables import EDGED, ELEMENTS, ENERGIES_KEV


@dataclass(frozen=True)
class Material:
    """Density in g/cm3 and mass fractions by element."""

    density: float
    fractions: tuple[tuple[str, float], ...]


def _of(density: float, **fractions: float) -> Material:
    return Material(density, tuple(fractions.items()))


MUSCLE = _of(
    1.05,
    H=0.102,
    C=0.143,
    N=0.034,
    O=0.710,
    Na=0.001,
    P=0.002,
    S=0.003,
    Cl=0.001,
    K=0.004,
)
ADIPOSE = _of(0.95, H=0.114, C=0.598, N=0.007, O=0.278, Na=0.001, S=0.001, Cl=0.001)
BLOOD = _of(
    1.06,
    H=0.102,
    C=0.110,
    N=0.033,
    O=0.745,
    Na=0.001,
    P=0.001,
    S=0.002,
    Cl=0.003,
    K=0.002,
    Fe=0.001,
)
WATER = _of(1.0, H=0.111898, O=0.888102)
AIR = _of(1.205e-3, C=0.000124, N=0.755268, O=0.231781, Ar=0.012827)
APATITE = _of(3.16, H=0.0020, O=0.4141, P=0.1850, Ca=0.3989)
TITANIUM = _of(4.43, Ti=0.90, Al=0.06, V=0.04)
COBALT_CHROME = _of(8.30, Co=0.66, Cr=0.28, Mo=0.06)
ALUMINIUM = _of(2.699, Al=1.0)
CAESIUM_IODIDE = _of(4.51, I=0.4885, Cs=0.5115)
METALS = {"titanium": TITANIUM, "cobalt_chrome": COBALT_CHROME}


def mass_attenuation(material: Material, energy_kev: ArrayLike) -> NDArray[np.float64]:
    """Total mass attenuation coefficient, cm2/g, between 10 and 150 keV, by the mixture rule."""
    energy = np.asarray(energy_kev, dtype=float)
    total = np.zeros(energy.shape)
    for symbol, fraction in material.fractions:
        total += fraction * element_attenuation(symbol, energy)
    return total


def element_attenuation(symbol: str, energy_kev: ArrayLike) -> NDArray[np.float64]:
    """An element's coefficient, cm2/g: monotone cubic in double logarithm, cut at its K edge."""
    energy = np.asarray(energy_kev, dtype=float)
    if f"{symbol} below" not in EDGED:
        return through(ENERGIES_KEV, ELEMENTS[symbol], energy)
    below, above = (np.array(EDGED[f"{symbol} {part}"]).reshape(-1, 2) for part in _PARTS)
    at_edge = float(above[0, 0])
    return np.where(
        energy < at_edge,
        through(tuple(below[:, 0]), tuple(below[:, 1]), np.minimum(energy, at_edge)),
        through(tuple(above[:, 0]), tuple(above[:, 1]), np.maximum(energy, at_edge)),
    )


_PARTS = ("below", "above")


def through(
    energies_kev: tuple[float, ...], values: tuple[float, ...], energy_kev: NDArray
) -> NDArray[np.float64]:
    """A table's values at other energies, monotone cubic in double logarithm."""
    return np.exp(_curve(energies_kev, values)(np.log(energy_kev)))


@cache
def _curve(
    energies_kev: tuple[float, ...], values: tuple[float, ...]
) -> Callable[[NDArray], NDArray[np.float64]]:
    # Half a second of imports, which a calibration by its phantom has no need of.
    from scipy.interpolate import PchipInterpolator

    return PchipInterpolator(np.log(energies_kev), np.log(values))
