"""The virtual DXA scanner."""

from __future__ import annotations

from pydantic import Field

from bmdpipe.core.config.base import Section


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
