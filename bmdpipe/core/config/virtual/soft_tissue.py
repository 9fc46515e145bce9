"""Skin, fat, muscle and bowel of the virtual subjects."""

from __future__ import annotations

from pydantic import Field

from bmdpipe.core.config.base import Section


class SoftTissueConfig(Section):
    """How much the soft tissue varies beside what BMI, sex and age say."""

    fat_spread: float = Field(
        default=0.22,
        ge=0,
        le=0.6,
        description="relative spread of fat thickness between subjects of one BMI and sex",
    )
    muscle_spread: float = Field(
        default=0.06, ge=0, le=0.2, description="relative spread of the girth of the muscles"
    )
    muscle_loss_per_year: float = Field(
        default=0.002,
        ge=0,
        le=0.01,
        description="share of the girth of the muscles that a year takes, counted from 50",
    )
    infiltration_at_50: float = Field(
        default=0.06, ge=0, le=0.4, description="mean share of fat within the muscles at 50 years"
    )
    gas: float = Field(
        default=0.3, ge=0, le=1, description="share of the large bowel's length that holds gas"
    )
