"""From Hounsfield units to mg/cm3 of hydroxyapatite, by whichever method the config names."""

from __future__ import annotations

from bmdpipe.core.config.calibration import CalibrationConfig
from bmdpipe.core.errors import CaseWarning
from bmdpipe.core.volume import Volume
from bmdpipe.densitometry.by_phantom import calibrate_by_phantom
from bmdpipe.densitometry.calibration_line import Calibration
from bmdpipe.densitometry.phantomless import calibrate_by_tissues
from bmdpipe.densitometry.rods import Rods


def calibrate(ct: Volume, config: CalibrationConfig, case: str) -> tuple[Calibration, Rods | None]:
    """The calibration of a canonical CT, and where the phantom's rods are.

    Raises CaseError: E_NO_PHANTOM or E_CALIBRATION. Source of mode `none`: Gu 2023 §4.2.5.
    """
    if config.mode == "phantom":
        return calibrate_by_phantom(ct, config, case)
    if config.mode == "phantomless":
        return calibrate_by_tissues(ct, config, case), None
    text = f"{case}: no calibration; density is {config.nominal_slope:g} mg/cm3 per HU by agreement"
    warning = CaseWarning("W_UNCALIBRATED", text)
    slope, intercept = config.nominal_slope, config.nominal_intercept
    return Calibration("nominal", slope, intercept, None, warnings=(warning,)), None
