"""How the proximal-femur region is found and measured."""

from __future__ import annotations

from pydantic import Field

from bmdpipe.core.config.base import Section


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
