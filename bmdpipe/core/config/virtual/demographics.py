"""Who the virtual subjects are."""

from __future__ import annotations

from pydantic import Field

from bmdpipe.core.config.base import Section


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


class DatasetAConfig(DemographicsConfig):
    """Who the virtual subjects of dataset A are: those that only stage one is trained on."""

    female_fraction: float = Field(
        default=0.858, ge=0, le=1, description="share of women (Gu 2023 Table 1)"
    )
    age_mean_years: float = Field(
        default=58.6, ge=20, le=90, description="mean age (Gu 2023 Table 1)"
    )
    age_sd_years: float = Field(
        default=14.3, ge=0, le=30, description="standard deviation of age (Gu 2023 Table 1)"
    )
    bmi_mean: float = Field(
        default=23.1, ge=15, le=40, description="mean body mass index, kg/m2 (Gu 2023 Table 1)"
    )
    bmi_sd: float = Field(
        default=3.8, ge=0, le=10, description="standard deviation of the BMI (Gu 2023 Table 1)"
    )
