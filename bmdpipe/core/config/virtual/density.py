"""Bone mineral of the virtual subjects."""

from __future__ import annotations

from pydantic import Field

from bmdpipe.core.config.base import Section


class BoneDensityConfig(Section):
    """How much mineral the bones hold and how it varies from subject to subject."""

    cortical_mg_cm3: float = Field(
        default=950.0, ge=500, le=1500, description="mineral in compact bone, HA"
    )
    cortical_thickness_scale: float = Field(
        default=0.84,
        ge=0.2,
        le=3,
        description="factor on every cortical thickness; brings the cohort to Gu 2023 Table 1",
    )
    trabecular_scale: float = Field(
        default=1.04,
        ge=0.1,
        le=5,
        description="factor on every trabecular density; brings the cohort to Gu 2023 Table 1",
    )
    cortical_cv: float = Field(
        default=0.19, ge=0, le=0.6, description="spread between subjects of cortical thickness"
    )
    trabecular_cv: float = Field(
        default=0.36, ge=0, le=0.8, description="spread between subjects of trabecular density"
    )
    correlation: float = Field(
        default=0.4,
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
    compact_cv: float = Field(
        default=0.05, ge=0, le=0.2, description="spread of the density of compact bone (porosity)"
    )
    compact_loss_per_year: float = Field(
        default=0.001,
        ge=0,
        le=0.02,
        description="relative loss of compact density per year after 40",
    )
    regional_cv: float = Field(
        default=0.12,
        ge=0,
        le=0.5,
        description="spread of trabecular density in head and neck against that in the trochanters",
    )
    shaft_cv: float = Field(
        default=0.12, ge=0, le=0.5, description="spread of the shaft's cortex on its own"
    )
    superior_loss_per_year: float = Field(
        default=0.02,
        ge=0,
        le=0.05,
        description="relative thinning of the neck's upper cortex per year after 40, beside "
        "cortical_loss_per_year (1.63 mm at 25, 0.33 mm at 85 years: Poole 2010)",
    )
    texture_amplitude: float = Field(
        default=1.4,
        ge=0,
        le=2,
        description="contrast of single trabecular strands to their mean, along the trajectories",
    )
