"""How a CT becomes density: the phantom that is looked for, and when its calibration is refused."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from bmdpipe.core.config.base import Section


class CalibrationConfig(Section):
    """From Hounsfield units to mg/cm3 of hydroxyapatite."""

    mode: Literal["phantom", "phantomless", "none"] = Field(
        default="phantom",
        description="measure the rods of a phantom; or the patient's own air, fat, muscle and "
        "blood; or take the nominal line for every CT (uncalibrated CT, Gu 2023 §4.2.5)",
    )
    phantom: Literal["B-MAS200"] = Field(
        default="B-MAS200", description="the phantom under the patient (Gu 2023 §4.1: B-MAS200)"
    )
    min_correlation: float = Field(
        default=0.986,
        ge=0,
        le=1,
        description="smallest correlation of the rods' HU with their density; the lowest among "
        "1040 clinical CTs was 0.9863 (Uemura 2021)",
    )
    min_slope: float = Field(
        default=0.4, gt=0, lt=3, description="smallest plausible slope, (mg/cm3)/HU (own choice)"
    )
    max_slope: float = Field(
        default=1.6, gt=0, lt=3, description="largest plausible slope, (mg/cm3)/HU (own choice)"
    )
    rod_diameter_min_mm: float = Field(
        default=12.0, gt=2, lt=60, description="thinnest rod looked for (diameter not published)"
    )
    rod_diameter_max_mm: float = Field(
        default=24.0, gt=2, lt=60, description="thickest rod looked for (diameter not published)"
    )
    rod_spacing_min_mm: float = Field(
        default=18.0, gt=4, lt=100, description="closest rod centres looked for (not published)"
    )
    rod_spacing_max_mm: float = Field(
        default=38.0, gt=4, lt=100, description="widest rod centres looked for (not published)"
    )
    rod_inner_fraction: float = Field(
        default=0.6,
        gt=0.1,
        lt=1,
        description="part of the rod's diameter that is measured, clear of partial volume",
    )
    outlier_limit: float = Field(
        default=3.0,
        gt=1,
        le=10,
        description="robust standard deviations from a rod's median at which a slice of it is left "
        "out, as where something else lies in the phantom (own choice)",
    )
    nominal_slope: float = Field(
        default=0.8,
        gt=0,
        lt=3,
        description="(mg/cm3)/HU of mode 'none'; clinical slopes lie near 0.8 "
        "(reference value, not a measurement)",
    )
    nominal_intercept: float = Field(
        default=0.0, ge=-200, le=200, description="mg/cm3 at 0 HU of mode 'none'"
    )

    effective_energy_kev: float = Field(
        default=72.0,
        ge=50,
        le=100,
        description="energy at which mode 'phantomless' compares tissues with hydroxyapatite; at "
        "120 kV this one gives the clinical slope near 0.8 (own choice)",
    )

    @model_validator(mode="after")
    def _ranges_are_ranges(self) -> CalibrationConfig:
        if self.rod_diameter_min_mm > self.rod_diameter_max_mm:
            raise ValueError("'rod_diameter_min_mm' is larger than 'rod_diameter_max_mm'")
        if self.rod_spacing_min_mm > self.rod_spacing_max_mm:
            raise ValueError("'rod_spacing_min_mm' is larger than 'rod_spacing_max_mm'")
        return self
