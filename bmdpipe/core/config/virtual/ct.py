"""The virtual CT scanner and its protocol."""

from __future__ import annotations

from pydantic import Field

from bmdpipe.core.config.base import Section


class CtConfig(Section):
    """The CT scanner and its protocol."""

    matrix: int = Field(default=512, ge=64, le=1024, description="rows and columns of a slice")
    pixel_mm: float = Field(default=0.8, ge=0.3, le=6, description="pixel spacing in the slice")
    slice_mm: float = Field(default=1.0, ge=0.5, le=12, description="slice spacing and thickness")
    above_crest_mm: float = Field(
        default=10.0, ge=-150, le=60, description="first slice above the iliac crest"
    )
    below_lesser_trochanter_mm: float = Field(
        default=85.0, ge=60, le=120, description="last slice below the lower lesser trochanter"
    )
    kvp: float = Field(default=120.0, ge=80, le=140, description="tube voltage, kV (header)")
    kernel: str = Field(default="STANDARD", description="reconstruction kernel (header)")
    blur_mm: float = Field(
        default=0.55, ge=0, le=3, description="standard deviation of the in-plane point spread"
    )
    noise_hu: float = Field(
        default=14.0, ge=0, le=100, description="standard deviation of the noise, HU"
    )
    noise_grain_mm: float = Field(
        default=0.6, ge=0, le=5, description="standard deviation of the noise's correlation"
    )
    slope: float = Field(
        default=0.80,
        ge=0.5,
        le=1.2,
        description="mean of density over HU, mg/cm3 per HU (near 0.8 in clinical use)",
    )
    slope_sd: float = Field(
        default=0.025, ge=0, le=0.2, description="drift of the slope between scans"
    )
    intercept_mg_cm3: float = Field(default=-4.0, ge=-50, le=50, description="mean density at 0 HU")
    intercept_sd_mg_cm3: float = Field(
        default=3.0, ge=0, le=30, description="drift of the intercept between scans"
    )
    feet_first_fraction: float = Field(
        default=0.3, ge=0, le=1, description="share of the subjects that lie feet first"
    )
