"""The virtual X-ray rooms."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from bmdpipe.core.config.base import Section

Family = Literal["multiscale", "sigmoid", "linear", "gamma"]
LOOKS: tuple[Family, ...] = ("multiscale", "sigmoid", "linear", "gamma")
GridRatio = Literal[8, 10, 12]


class RadiographConfig(Section):
    """The X-ray rooms and how the subjects are placed in them."""

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
    tube_offset_sd_mm: float = Field(
        default=8.0,
        ge=0,
        le=60,
        description="how far the central ray misses the detector's middle; no header tells it",
    )
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
    rooms: int = Field(default=4, ge=1, le=100, description="number of the hospital's X-ray rooms")
    kvp: float = Field(default=75.0, ge=60, le=100, description="mean tube voltage, kV")
    kvp_sd: float = Field(default=3.0, ge=0, le=10, description="its spread between rooms")
    filter_mm_al: float = Field(
        default=3.0, ge=1, le=10, description="total filtration, mm of aluminium"
    )
    grid_ratios: tuple[GridRatio, ...] = Field(
        default=(12, 10, 12, 8), min_length=1, description="of the anti-scatter grids, by room"
    )
    grid_focal_mm: float = Field(
        default=1150.0, ge=800, le=2000, description="source distance that the grids are made for"
    )
    grid_decentred_sd_mm: float = Field(
        default=5.0, ge=0, le=40, description="sideways misplacing of the grid against the focus"
    )
    target_ugy: float = Field(
        default=2.5,
        ge=0.05,
        le=50,
        description="air kerma at the detector that ends an exposure, uGy (speed class 400)",
    )
    exposure_error_sd: float = Field(
        default=0.1, ge=0, le=0.45, description="relative spread of what the exposure control gives"
    )
    backup_mas: float = Field(
        default=160.0,
        ge=1,
        le=1000,
        description="tube load at which the back-up timer ends it, mAs",
    )
    electronic_ugy: float = Field(
        default=0.08,
        ge=0,
        le=5,
        description="air kerma whose quantum noise the read-out's noise equals, uGy",
    )
    half_modulation_per_mm: float = Field(
        default=1.29,
        ge=0.3,
        le=2.5,
        description="frequency at which the detector transfers half the modulation, of pixels of "
        "0.16 mm (Marshall 2011: 1.29 +- 0.05)",
    )
    soft_grid_mm: float = Field(
        default=3.0, ge=1, le=8, description="voxels of the soft tissue that is projected"
    )
    looks: tuple[Family, ...] = Field(
        default=LOOKS, min_length=1, description="families of processing, by room"
    )
    harmonisation_max: float = Field(
        default=0.75, ge=0, le=0.9, description="largest share of the low frequencies taken away"
    )
    viewer_table_fraction: float = Field(
        default=0.25,
        ge=0,
        le=1,
        description="share of rooms that leave the look-up table to the viewer, in the header",
    )
    shutter_fraction: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="share of rooms that blacken what lies outside of the collimated field",
    )
    collimated_fraction: float = Field(
        default=0.85, ge=0, le=1, description="share of radiographs whose field has visible edges"
    )
    collimator_inset_mm: float = Field(
        default=22.0, ge=0, le=100, description="most that an edge is drawn in from the detector's"
    )
    collimator_tilt_sd_deg: float = Field(
        default=0.5, ge=0, le=1.4, description="turn of the collimator against the detector"
    )
    cropped_fraction: float = Field(
        default=0.2, ge=0, le=1, description="share of subjects whose images end at the field"
    )
    marker_fraction: float = Field(
        default=0.95, ge=0, le=1, description="share of radiographs with a side marker"
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
        default=0.1, ge=0, le=1, description="share of subjects whose headers hold no distances"
    )
    missing_spacing_fraction: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="share of subjects whose headers hold the spacing at the hips and its "
        "magnification in place of the imager's spacing",
    )
    exposure_index_fraction: float = Field(
        default=0.85,
        ge=0,
        le=1,
        description="share of subjects whose headers hold exposure indices",
    )
    collimator_tags_fraction: float = Field(
        default=0.85,
        ge=0,
        le=1,
        description="share of subjects whose headers hold the field's edges",
    )

    @model_validator(mode="after")
    def _ordered(self) -> RadiographConfig:
        if self.aspect_min > self.aspect_max:
            raise ValueError("aspect_min must not be above aspect_max")
        if self.sod_mm >= self.sdd_mm:
            raise ValueError("sod_mm must be below sdd_mm")
        return self
