"""The virtual lumbar cohort: axial CT of a vertebra with its DXA value (study of CT to BMD)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bmdpipe.core.config.base import Section
from bmdpipe.core.config.virtual.demographics import DemographicsConfig

Level = Literal["L1", "L2", "L3", "L4"]


class LumbarDemographicsConfig(DemographicsConfig):
    """Who the lumbar study's virtual patients are; set to be plausible, from no source."""

    female_fraction: float = Field(default=0.75, ge=0, le=1, description="share of women")
    age_mean_years: float = Field(default=62.0, ge=20, le=90, description="mean age")
    age_sd_years: float = Field(default=14.0, ge=0, le=30, description="its standard deviation")
    bmi_mean: float = Field(default=24.0, ge=15, le=40, description="mean body mass index, kg/m2")
    bmi_sd: float = Field(default=3.6, ge=0, le=10, description="its standard deviation")


class LumbarBoneConfig(Section):
    """Bone mineral of the vertebrae and how it varies; unverified figures are parameters."""

    trabecular_25_years_mg_cm3: float = Field(
        default=185.0, ge=50, le=400, description="mean of the vertebral core at 25 years, HA"
    )
    trabecular_sd_mg_cm3: float = Field(
        default=30.0, ge=0, le=80, description="spread between subjects of one sex and age"
    )
    cortical_mg_cm3: float = Field(
        default=900.0, ge=500, le=1500, description="mineral in compact bone, HA"
    )
    cortical_cv: float = Field(
        default=0.16, ge=0, le=0.6, description="spread between subjects of cortical thickness"
    )
    correlation: float = Field(
        default=0.5,
        ge=-1,
        le=1,
        description="correlation of a subject's cortical and trabecular deviation",
    )


class LumbarConfig(Section):
    """A virtual cohort of lumbar CT slabs; the default counts are those of Kang et al. 2023."""

    seed: int = Field(default=20231, ge=0, le=2**31, description="seed of the whole cohort")
    prefix: str = Field(
        default="L", pattern=r"^[A-Za-z]{1,8}$", description="what a case's name starts with"
    )
    n_cases: int = Field(
        default=2696, ge=1, le=99999, description="number of cases (Kang 2023: 2239 + 457)"
    )
    level: Level = Field(default="L1", description="the vertebra in the slab (Kang 2023: L1)")
    demographics: LumbarDemographicsConfig = Field(
        default=LumbarDemographicsConfig(), description="sex, age and BMI"
    )
    bone: LumbarBoneConfig = Field(default=LumbarBoneConfig(), description="bone mineral")
    matrix: int = Field(default=512, ge=128, le=1024, description="rows and columns of a slice")
    pixel_mm: float = Field(default=0.75, ge=0.3, le=2, description="pixel spacing in the slice")
    slice_mm: float = Field(default=3.0, ge=0.5, le=6, description="slice spacing and thickness")
    slices: int = Field(
        default=7, ge=1, le=25, description="slices of the slab, the middle one mid-vertebral"
    )
    grid_mm: float = Field(
        default=0.8, ge=0.2, le=3, description="largest voxel of the bones before CT averaging"
    )
    kvp: float = Field(default=120.0, ge=80, le=140, description="tube voltage, kV (header)")
    kernel: str = Field(default="STANDARD", description="reconstruction kernel (header)")
    blur_mm: float = Field(
        default=0.5, ge=0, le=3, description="standard deviation of the in-plane point spread"
    )
    noise_hu: float = Field(
        default=13.0, ge=0, le=100, description="noise in the middle of a patient of BMI 23.5, HU"
    )
    noise_grain_mm: float = Field(
        default=0.6, ge=0, le=5, description="standard deviation of the noise's correlation"
    )
    slope: float = Field(
        default=0.80, ge=0.5, le=1.2, description="mean of density over HU, mg/cm3 per HU"
    )
    slope_sd: float = Field(
        default=0.02, ge=0, le=0.2, description="drift of the slope between scans"
    )
    intercept_mg_cm3: float = Field(default=-4.0, ge=-50, le=50, description="mean density at 0 HU")
    intercept_sd_mg_cm3: float = Field(
        default=3.0, ge=0, le=30, description="drift of the intercept between scans"
    )
    enhanced_fraction: float = Field(
        default=0.35, ge=0, le=1, description="share of scans with contrast medium"
    )
    degeneration: float = Field(
        default=1.0, ge=0, le=2, description="factor on osteophytes and facet disease of the aged"
    )
    calcification: float = Field(
        default=1.0, ge=0, le=2, description="factor on aortic calcification of the aged"
    )
    dxa_accuracy_cv: float = Field(
        default=0.03, ge=0, le=0.2, description="spread of a subject's own DXA bias (fat)"
    )
    dxa_precision_cv: float = Field(
        default=0.012, ge=0, le=0.1, description="relative precision error of a DXA scan"
    )
    dxa_device: str = Field(default="virtual DXA", description="name of the DXA scanner")
