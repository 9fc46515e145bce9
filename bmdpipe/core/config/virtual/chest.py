"""The virtual chest cohort: radiographs with and without bones, with and without findings."""

from __future__ import annotations

from pydantic import Field, model_validator

from bmdpipe.core.config.base import Section
from bmdpipe.core.config.virtual.demographics import DemographicsConfig


class ChestDemographicsConfig(DemographicsConfig):
    """Who the chest study's virtual patients are; set to be plausible, from no source."""

    female_fraction: float = Field(default=0.4, ge=0, le=1, description="share of women")
    age_mean_years: float = Field(default=42.0, ge=20, le=90, description="mean age")
    age_sd_years: float = Field(default=15.0, ge=0, le=30, description="its standard deviation")
    bmi_mean: float = Field(default=22.5, ge=15, le=40, description="mean body mass index, kg/m2")
    bmi_sd: float = Field(default=3.5, ge=0, le=10, description="its standard deviation")


class ChestConfig(Section):
    """A virtual cohort of PA chest radiographs; counts as the Shenzhen and Montgomery sets."""

    seed: int = Field(default=20211, ge=0, le=2**31, description="seed of the whole cohort")
    prefix: str = Field(
        default="C", pattern=r"^[A-Za-z]{1,8}$", description="what a case's name starts with"
    )
    n_cases: int = Field(
        default=800, ge=1, le=99999, description="number of cases (662 Shenzhen, 138 Montgomery)"
    )
    finding_fraction: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="share of cases with tuberculosis-like findings (394 of 800)",
    )
    conspicuity: float = Field(
        default=1.0, ge=0.1, le=3, description="factor on the density of the findings"
    )
    granuloma_fraction: float = Field(
        default=0.2, ge=0, le=1, description="share of cases, of both classes, with old granulomas"
    )
    demographics: ChestDemographicsConfig = Field(
        default=ChestDemographicsConfig(), description="sex, age and BMI"
    )
    size_px: int = Field(default=512, ge=64, le=4096, description="rows and columns of the image")
    detector_mm: float = Field(default=430.0, ge=300, le=500, description="edge of the detector")
    sdd_mm: float = Field(default=1800.0, ge=1200, le=2500, description="source to detector")
    front_gap_mm: float = Field(
        default=25.0, ge=0, le=100, description="the front of the chest to the detector"
    )
    turn_sd_deg: float = Field(
        default=1.5, ge=0, le=8, description="turn of the body about each axis"
    )
    shift_sd_mm: float = Field(default=5.0, ge=0, le=25, description="off-centre placing")
    grid_mm: float = Field(default=1.1, ge=0.4, le=6, description="voxels of the bones")
    soft_grid_mm: float = Field(default=3.0, ge=1, le=10, description="voxels of the soft tissue")
    kvp: float = Field(default=110.0, ge=60, le=130, description="tube voltage, kV")
    filter_mm_al: float = Field(default=4.0, ge=1, le=12, description="filter of the tube")
    photons_per_mm2: float = Field(
        default=5000.0, ge=50, le=1e6, description="mean detected quanta behind the lungs"
    )
    scatter_to_primary: float = Field(
        default=0.35, ge=0, le=3, description="scatter behind the grid over primary"
    )
    detector_blur_mm: float = Field(
        default=0.15, ge=0, le=2, description="standard deviation of the detector's point spread"
    )
    cortical_mg_cm3: float = Field(
        default=900.0, ge=500, le=1500, description="mineral in compact bone, HA"
    )
    suppress_scapulae: bool = Field(
        default=False,
        description="take the scapulae away, too, in the bone-suppressed image (the public set of "
        "JSRT images holds the removal of ribs and clavicles)",
    )

    @model_validator(mode="after")
    def _behind_the_chest(self) -> ChestConfig:
        if self.soft_grid_mm < self.grid_mm:
            raise ValueError("soft_grid_mm must not be below grid_mm")
        return self
