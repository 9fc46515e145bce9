"""How the proximal-femur region is found and measured."""

from __future__ import annotations

from pydantic import Field, field_validator

from bmdpipe.core.config.base import Section

REFERENCE_NAMES = (
    "nhanes3-femoral-neck",
    "nhanes3-total-hip",
    "japan2012-femoral-neck",
    "japan2012-total-hip",
)


class RoiConfig(Section):
    """Landmarks, region, volumetric and areal BMD of the proximal femur (Uemura 2022)."""

    abmd_pixel_mm: float = Field(
        default=0.25,
        ge=0.1,
        le=3,
        description="pixel of the DXA-like projection (Uemura 2022: 0.25 mm)",
    )
    abmd_depth_step_mm: float = Field(
        default=1.0, ge=0.1, le=3, description="step along the rays of the DXA-like projection"
    )
    min_confidence: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="landmarks below this confidence are refused (own choice)",
    )
    warn_confidence: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="landmarks below this confidence are used with W_LANDMARKS (own choice)",
    )
    t_score_references: tuple[str, ...] = Field(
        default=("nhanes3-total-hip", "nhanes3-femoral-neck"),
        description="references that the CT's areal BMD is compared with, by their names in "
        "bmdpipe/densitometry/tscore.py; only for a CT that a phantom calibrated",
    )

    @field_validator("t_score_references")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in REFERENCE_NAMES:
                raise ValueError(f"'{name}' is none of {', '.join(REFERENCE_NAMES)}")
        return names
