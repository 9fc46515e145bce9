"""The virtual X-ray room."""

from __future__ import annotations

from pydantic import Field, model_validator

from bmdpipe.core.config.base import Section


class RadiographConfig(Section):
    """The X-ray room."""

    width_px: int = Field(default=2430, ge=128, le=4096, description="columns of the detector")
    pixel_mm: float = Field(default=0.18, ge=0.08, le=2, description="pixel pitch at the detector")
    aspect_min: float = Field(
        default=0.95, ge=0.88, le=1.228, description="least width over height (Gu 2023: 0.880)"
    )
    aspect_max: float = Field(
        default=1.22, ge=0.88, le=1.228, description="largest width over height (Gu 2023: 1.228)"
    )
    sdd_mm: float = Field(default=1200.0, ge=900, le=2000, description="source to detector")
    sod_mm: float = Field(default=1075.0, ge=700, le=1900, description="source to the hip joints")
    sod_sd_mm: float = Field(default=12.0, ge=0, le=60, description="spread of sod_mm")
    tilt_sd_deg: float = Field(
        default=2.5, ge=0, le=10, description="turn of the whole body about each axis"
    )
    shift_sd_mm: float = Field(default=7.0, ge=0, le=40, description="off-centre placing")
    femur_turn_sd_deg: float = Field(
        default=4.0, ge=0, le=15, description="axial turn of a femur against the CT"
    )
    femur_swing_sd_deg: float = Field(
        default=2.0, ge=0, le=10, description="flexion and ab- or adduction beside the intended one"
    )
    abduction_deg: float = Field(default=15.0, ge=0, le=25, description="intended ab- or adduction")
    standing_tilt_deg: float = Field(
        default=5.0, ge=0, le=20, description="mean posterior pelvic tilt when standing"
    )
    kvp: float = Field(default=75.0, ge=60, le=100, description="tube voltage, kV")
    photons_per_mm2: float = Field(
        default=6000.0, ge=50, le=1e6, description="mean detected quanta behind the hip"
    )
    scatter_to_primary: float = Field(
        default=0.25, ge=0, le=3, description="scatter behind the grid over primary"
    )
    detector_blur_mm: float = Field(
        default=0.15, ge=0, le=2, description="standard deviation of the detector's point spread"
    )
    soft_grid_mm: float = Field(
        default=3.0, ge=1, le=8, description="voxels of the soft tissue that is projected"
    )
    harmonisation_max: float = Field(
        default=0.75, ge=0, le=0.9, description="largest share of the low frequencies taken away"
    )
    monochrome1_fraction: float = Field(
        default=0.3, ge=0, le=1, description="share of subjects whose images are MONOCHROME1"
    )
    pixel_spacing_fraction: float = Field(
        default=0.3,
        ge=0,
        le=1,
        description="share of subjects whose headers also hold PixelSpacing",
    )
    missing_sdd_fraction: float = Field(
        default=0.0, ge=0, le=1, description="share of subjects whose headers hold no distances"
    )

    @model_validator(mode="after")
    def _ordered(self) -> RadiographConfig:
        if self.aspect_min > self.aspect_max:
            raise ValueError("aspect_min must not be above aspect_max")
        if self.sod_mm >= self.sdd_mm:
            raise ValueError("sod_mm must be below sdd_mm")
        return self
