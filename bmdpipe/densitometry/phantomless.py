"""Calibration without a phantom, by the patient's own air, fat, muscle and blood.

Each tissue attenuates as some density of hydroxyapatite in water does, by the coefficients of NIST
at the scan's effective energy; a line through the tissues' HU gives the density of bone.
Idea: Michalski et al. 2020, Med Eng Phys 78:55 (internal calibration). No tissue is as dense as
bone: the line is drawn on from blood, and its slope rests on air and on the energy.
"""

from __future__ import annotations

import numpy as np

from bmdpipe.core.config.calibration import CalibrationConfig
from bmdpipe.core.errors import CaseError, CaseWarning
from bmdpipe.core.volume import Volume
from bmdpipe.densitometry.calibration_line import Calibration, Tissue, fit_line
from bmdpipe.densitometry.tissue_peaks import tissue_hu
from bmdpipe.virtual.xray.materials import (
    ADIPOSE,
    AIR,
    APATITE,
    BLOOD,
    MUSCLE,
    WATER,
    Material,
    mass_attenuation,
)

TISSUES = {"air": AIR, "adipose": ADIPOSE, "muscle": MUSCLE, "blood": BLOOD}
NEEDED = ("air", "adipose", "muscle")
MG_PER_G = 1000.0


def apatite_equivalent(material: Material, energy_kev: float) -> float:
    """mg/cm3 of hydroxyapatite in water that attenuates as the material does; air's is negative."""
    water = float(mass_attenuation(WATER, energy_kev)) * WATER.density
    own = float(mass_attenuation(material, energy_kev)) * material.density
    added = float(mass_attenuation(APATITE, energy_kev)) - water / APATITE.density
    return MG_PER_G * (own - water) / added


def calibrate_by_tissues(ct: Volume, config: CalibrationConfig, case: str) -> Calibration:
    """The line through the tissues that are found, least squares, each with the same weight.

    Raises CaseError E_CALIBRATION without air, fat or muscle, or with an implausible line.
    """
    try:
        hu = tissue_hu(ct)
    except ValueError as error:
        raise CaseError("E_CALIBRATION", case, str(error)) from error
    missing = [name for name in NEEDED if hu[name] is None]
    if missing:
        hint = f"no {', '.join(missing)} to calibrate with"
        raise CaseError("E_CALIBRATION", case, hint)
    tissues = tuple(
        Tissue(name, apatite_equivalent(material, config.effective_energy_kev), hu[name])
        for name, material in TISSUES.items()
    )
    found = [(t.hu, t.density_mg_cm3) for t in tissues if t.hu is not None]
    slope, intercept, _ = fit_line(*np.array(found).T)
    if not config.min_slope <= slope <= config.max_slope:
        limits = f"{config.min_slope} to {config.max_slope}"
        raise CaseError("E_CALIBRATION", case, f"slope {slope:.3f} is outside {limits}")
    text = f"{case}: calibrated by the patient's own {', '.join(t.name for t in tissues if t.hu)}"
    text += "" if hu["blood"] is not None else "; no blood was found in large vessels"
    warnings = (CaseWarning("W_UNCALIBRATED", text),)
    return Calibration("phantomless", slope, intercept, None, tissues=tissues, warnings=warnings)
