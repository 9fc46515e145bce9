"""The virtual CT scanner and its protocol."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bmdpipe.core.config.base import Section


class CtConfig(Section):
    """The CT scanner and its protocol."""

    matrix: int = Field(default=512, ge=64, le=1024, description="rows and columns of a slice")
    pixel_mm: float = Field(default=0.8, ge=0.3, le=6, description="pixel spacing in the slice")
    slice_mm: float = Field(default=1.0, ge=0.5, le=12, description="distance of the slices")
    slice_thickness_mm: float | None = Field(
        default=None,
        ge=0.5,
        le=12,
        description="width at half height of the slice sensitivity profile; null: the distance of "
        "the slices. More overlaps, less leaves gaps",
    )
    above_crest_mm: float = Field(
        default=10.0, ge=-150, le=60, description="first slice above the iliac crest"
    )
    below_lesser_trochanter_mm: float = Field(
        default=85.0, ge=60, le=120, description="last slice below the lower lesser trochanter"
    )
    kvp: float = Field(default=120.0, ge=80, le=140, description="tube voltage, kV")
    kernel: Literal["SOFT", "STANDARD", "DETAIL", "BONE", "EDGE"] = Field(
        default="STANDARD", description="reconstruction kernel: resolution, overshoot, noise"
    )
    exposure_mas: float = Field(
        default=200.0, ge=5, le=800, description="tube current times rotation time, mAs"
    )
    exposure_adaptation: float = Field(
        default=0.6,
        ge=0,
        le=1,
        description="automatic exposure: 0 none, 1 keeps the noise of every patient's size",
    )
    noise_hu: float = Field(
        default=14.0,
        ge=0,
        le=100,
        description="noise at the centre of 300 mm of water, 200 mAs, 1 mm, STANDARD kernel, HU",
    )
    slope: float = Field(
        default=0.80,
        ge=0.5,
        le=1.2,
        description="the scanner's density over HU, mg/cm3 per HU (near 0.8 in clinical use)",
    )
    slope_day_sd: float = Field(
        default=0.02, ge=0, le=0.2, description="drift of the slope between days"
    )
    slope_scan_sd: float = Field(
        default=0.012, ge=0, le=0.2, description="spread of the slope among a day's scans"
    )
    intercept_mg_cm3: float = Field(
        default=-4.0, ge=-50, le=50, description="the scanner's density at 0 HU"
    )
    intercept_day_sd_mg_cm3: float = Field(
        default=2.5, ge=0, le=30, description="drift of the intercept between days"
    )
    intercept_scan_sd_mg_cm3: float = Field(
        default=1.5, ge=0, le=30, description="spread of the intercept among a day's scans"
    )
    subjects_per_day: int = Field(
        default=4, ge=1, le=100, description="subjects in a row that are scanned on one day"
    )
    cupping_hu: float = Field(
        default=4.0,
        ge=0,
        le=40,
        description="how much darker the middle of a 300 mm water cylinder is than its edge, HU",
    )
    bone_hardening: float = Field(
        default=0.15,
        ge=0,
        le=1,
        description="share of bone's beam hardening that the scanner's correction leaves",
    )
    outside_circle: Literal["kept", "air", "padding"] = Field(
        default="padding",
        description="corners outside the reconstruction circle: reconstructed, air of -1024 HU, or "
        "padding as GE stores it",
    )
    feet_first_fraction: float = Field(
        default=0.3, ge=0, le=1, description="share of the subjects that lie feet first"
    )

    @property
    def thickness_mm(self) -> float:
        return self.slice_mm if self.slice_thickness_mm is None else self.slice_thickness_mm
