"""How results are measured: intervals, image metrics, comparison of stages with the truth."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bmdpipe.core.config.base import Section

OsteoporosisReference = Literal[
    "nhanes3-femoral-neck",
    "nhanes3-total-hip",
    "japan2012-femoral-neck",
    "japan2012-total-hip",
]


class EvaluationConfig(Section):
    """Metrics of the held-out predictions and, for virtual cohorts, of every stage."""

    bootstrap_samples: int = Field(
        default=2000,
        ge=20,
        le=100_000,
        description="draws of the bootstrap over subjects that gives each metric its interval",
    )
    confidence: float = Field(
        default=0.95, gt=0.5, lt=1.0, description="nominal coverage of the bootstrap intervals"
    )
    interval_coverage: float = Field(
        default=0.9,
        gt=0.5,
        lt=1.0,
        description="nominal coverage of the prediction interval of each BMD (own choice)",
    )
    osteoporosis_reference: OsteoporosisReference = Field(
        default="nhanes3-femoral-neck",
        description="the young adults whose T-score of -2.5 or less is called osteoporosis",
    )
    seed: int = Field(default=0, ge=0, description="seed of the bootstrap")
    dice_thresholds_mg_cm2: tuple[float, ...] = Field(
        default=(50.0, 200.0, 400.0, 600.0, 800.0),
        min_length=1,
        description="thresholds of the multi-threshold Dice coefficient between predicted and true "
        "projections (Gu 2023 §4.3.1 names the metric; the thresholds are ours)",
    )
    intensity_threshold_mg_cm2: float = Field(
        default=50.0,
        ge=0.0,
        description="pixels at or above it count in the mean intensity of a projection",
    )
    registration_success_mm: float = Field(
        default=2.0,
        gt=0.0,
        description="largest mean reprojection distance of a successful registration",
    )
    registration_points: int = Field(
        default=1000,
        ge=10,
        description="bone surface points over which a reprojection distance is averaged",
    )
