"""What a calibration is: a line from Hounsfield units to mg/cm3 of hydroxyapatite."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.errors import CaseWarning
from bmdpipe.core.volume import Volume


@dataclass(frozen=True)
class Rod:
    """A measured rod: its nominal density, the HU inside and its centre (LPS, mm) at mid-length."""

    density_mg_cm3: float
    hu_mean: float
    hu_sd: float
    centre_mm: tuple[float, float, float]


@dataclass(frozen=True)
class Tissue:
    """A tissue of the patient's own: the hydroxyapatite that attenuates as it does, and its HU;
    None where it was not found."""

    name: str
    density_mg_cm3: float
    hu: float | None


@dataclass(frozen=True)
class Calibration:
    """density (mg/cm3 of hydroxyapatite) = slope x HU + intercept.

    `method` is the phantom's name, `phantomless` or `nominal`. Only a phantom has rods and a
    correlation, only a phantomless line tissues.
    """

    method: str
    slope: float
    intercept: float
    correlation: float | None
    rods: tuple[Rod, ...] = ()
    tissues: tuple[Tissue, ...] = ()
    warnings: tuple[CaseWarning, ...] = ()

    def at(self, hu: float) -> float:
        """Density at an HU, mg/cm3."""
        return self.slope * hu + self.intercept

    def to_json(self) -> dict:
        return {
            "method": self.method,
            "material": "HA",
            "slope": self.slope,
            "intercept": self.intercept,
            "correlation": self.correlation,
            "rods": [{**asdict(rod), "centre_mm": list(rod.centre_mm)} for rod in self.rods],
            "tissues": [asdict(tissue) for tissue in self.tissues],
        }


def fit_line(hu: NDArray, density: NDArray) -> tuple[float, float, float]:
    """Slope, intercept and correlation of the least-squares line from HU to density."""
    slope, intercept = np.polyfit(hu, density, 1)
    return float(slope), float(intercept), float(np.corrcoef(hu, density)[0, 1])


def density_volume(ct: Volume, calibration: Calibration) -> Volume:
    """The CT in mg/cm3, int16, computed slice by slice."""
    limits = np.iinfo(np.int16)
    array = np.empty(ct.array.shape, np.int16)
    slope, intercept = np.float32(calibration.slope), np.float32(calibration.intercept)
    for k, image in enumerate(ct.array):
        density = image.astype(np.float32) * slope + intercept
        array[k] = np.rint(np.clip(density, limits.min, limits.max))
    return ct.like(array, "mg/cm3")
