"""The found calibration line against the scanner's true one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bmdpipe.evaluation.stages.quantity import Quantity

REFERENCE_MG_CM3 = 200.0
QUANTITIES = (
    Quantity("slope_error_percent", "slope error", "%", "zero"),
    Quantity("intercept_error_mg_cm3", "intercept error", "mg/cm3", "zero"),
    Quantity("rod_200_error_percent", "density error at 200 mg/cm3", "%", "zero"),
    Quantity("correlation", "correlation of the rods", "", "high"),
)


def calibration_errors(found: Mapping[str, Any], truth: Mapping[str, float]) -> dict[str, float]:
    """Signed errors of `slope` and `intercept` (density = slope x HU + intercept), and of the
    density that a rod of 200 mg/cm3 would be given."""
    hu = (REFERENCE_MG_CM3 - truth["intercept"]) / truth["slope"]
    density = found["slope"] * hu + found["intercept"]
    return {
        "slope_error_percent": 100.0 * (found["slope"] / truth["slope"] - 1.0),
        "intercept_error_mg_cm3": found["intercept"] - truth["intercept"],
        "rod_200_error_percent": 100.0 * (density / REFERENCE_MG_CM3 - 1.0),
        "correlation": float(found["correlation"]),
    }
