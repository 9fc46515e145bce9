"""The virtual cohort: how many subjects, who they are, and the scanners that they meet."""

from __future__ import annotations

from pydantic import Field, model_validator

from bmdpipe.core.config.base import Section
from bmdpipe.core.config.study import POSITIONINGS, Positioning


class DemographicsConfig(Section):
    """Who the virtual subjects are."""

    female_fraction: float = Field(
        default=0.82, ge=0, le=1, description="share of women (Gu 2023 Table 1)"
    )
    age_mean_years: float = Field(
        default=57.6, ge=20, le=90, description="mean age (Gu 2023 Table 1)"
    )
    age_sd_years: float = Field(
        default=14.9, ge=0, le=30, description="standard deviation of age (Gu 2023 Table 1)"
    )
    bmi_mean: float = Field(
        default=23.5, ge=15, le=40, description="mean body mass index, kg/m2 (Gu 2023 Table 1)"
    )
    bmi_sd: float = Field(
        default=4.0, ge=0, le=10, description="standard deviation of the BMI (Gu 2023 Table 1)"
    )


class BoneDensityConfig(Section):
    """How much mineral the bones hold and how it varies from subject to subject."""

    cortical_mg_cm3: float = Field(
        default=950.0, ge=500, le=1500, description="mineral in compact bone, HA"
    )
    cortical_thickness_scale: float = Field(
        default=0.82,
        ge=0.2,
        le=3,
        description="factor on every cortical thickness; brings the cohort to Gu 2023 Table 1",
    )
    trabecular_scale: float = Field(
        default=0.72,
        ge=0.1,
        le=5,
        description="factor on every trabecular density; brings the cohort to Gu 2023 Table 1",
    )
    cortical_cv: float = Field(
        default=0.24, ge=0, le=0.6, description="spread between subjects of cortical thickness"
    )
    trabecular_cv: float = Field(
        default=0.34, ge=0, le=0.8, description="spread between subjects of trabecular density"
    )
    correlation: float = Field(
        default=0.5,
        ge=-1,
        le=1,
        description="correlation of a subject's cortical and trabecular deviation",
    )
    cortical_loss_per_year: float = Field(
        default=0.004, ge=0, le=0.05, description="relative cortical thinning per year after 40"
    )
    trabecular_loss_per_year: float = Field(
        default=0.006, ge=0, le=0.05, description="relative trabecular loss per year after 40"
    )


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


class PhantomConfig(Section):
    """The calibration phantom B-MAS200; its sizes are not published and are set here."""

    rod_densities_mg_cm3: tuple[float, ...] = Field(
        default=(0.0, 50.0, 100.0, 150.0, 200.0),
        min_length=2,
        description="hydroxyapatite in the rods (Kyoto Kagaku B-MAS200)",
    )
    rod_diameter_mm: float = Field(default=18.0, ge=8, le=40, description="diameter of a rod")
    rod_spacing_mm: float = Field(default=40.0, ge=12, le=60, description="centre to centre")
    height_mm: float = Field(default=28.0, ge=12, le=60, description="thickness of the body")
    base_hu: float = Field(
        default=-70.0, ge=-300, le=100, description="material of the body around the rods, HU"
    )
    tilt_sd_deg: float = Field(
        default=0.4, ge=0, le=3, description="obliquity of the rods in the table's plane"
    )

    @model_validator(mode="after")
    def _rods_apart(self) -> PhantomConfig:
        if self.rod_spacing_mm <= self.rod_diameter_mm or self.height_mm <= self.rod_diameter_mm:
            raise ValueError("rods must not touch, and must fit into the phantom's height")
        return self


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


class DxaConfig(Section):
    """The DXA scanner."""

    pixel_mm: float = Field(default=0.5, ge=0.1, le=2, description="pixels of the projection")
    scale: float = Field(
        default=1.0, ge=0.5, le=1.5, description="the scanner's own calibration: reading over truth"
    )
    precision_cv: float = Field(
        default=0.015, ge=0, le=0.1, description="relative precision error of a scan"
    )
    accuracy_cv: float = Field(
        default=0.06,
        ge=0,
        le=0.2,
        description="spread of a subject's own bias (fat around the hip); the same in each scan",
    )
    turn_sd_deg: float = Field(
        default=1.0, ge=0, le=15, description="misplacing of the leg's rotation"
    )
    device: str = Field(default="virtual DXA", description="name of the scanner in the tables")


class VirtualConfig(Section):
    """A virtual cohort, made whole from its seed."""

    seed: int = Field(default=20230, ge=0, le=2**31, description="seed of the whole cohort")
    prefix: str = Field(
        default="V", pattern=r"^[A-Za-z]{1,8}$", description="what a subject's name starts with"
    )
    n_subjects: int = Field(
        default=305, ge=1, le=9999, description="number of subjects (Gu 2023: 305)"
    )
    n_annotated: int = Field(
        default=20, ge=0, le=9999, description="how many of the first have an expert's label map"
    )
    positionings: tuple[Positioning, ...] = Field(
        default=POSITIONINGS, min_length=1, description="one radiograph of each per subject"
    )
    grid_mm: float = Field(
        default=1.0,
        ge=0.3,
        le=8,
        description="largest voxel of the bones; CT voxels are divided until they are this fine",
    )
    demographics: DemographicsConfig = Field(
        default=DemographicsConfig(), description="sex, age and BMI"
    )
    density: BoneDensityConfig = Field(
        default=BoneDensityConfig(), description="bone mineral and its spread"
    )
    ct: CtConfig = Field(default=CtConfig(), description="the CT scanner")
    phantom: PhantomConfig = Field(default=PhantomConfig(), description="the calibration phantom")
    radiograph: RadiographConfig = Field(default=RadiographConfig(), description="the X-ray room")
    dxa: DxaConfig = Field(default=DxaConfig(), description="the DXA scanner")

    @model_validator(mode="after")
    def _annotated_are_subjects(self) -> VirtualConfig:
        if self.n_annotated > self.n_subjects:
            raise ValueError("n_annotated must not be above n_subjects")
        return self
