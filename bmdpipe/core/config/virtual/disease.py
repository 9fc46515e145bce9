"""Hip disease of the virtual subjects: arthritis, deformity, implants on the other side."""

from __future__ import annotations

from pydantic import Field

from bmdpipe.core.config.base import Section


class DiseaseConfig(Section):
    """How many hips are diseased, and how badly; Gu 2023's patients came for a hip replacement."""

    osteoarthritis_fraction: float = Field(
        default=0.6, ge=0, le=1, description="share of subjects whose examined hip is arthritic"
    )
    other_side_fraction: float = Field(
        default=0.35, ge=0, le=1, description="share of those whose other hip is arthritic, too"
    )
    severity: float = Field(
        default=0.45, gt=0, lt=1, description="mean severity of a diseased hip, 0 none, 1 worst"
    )
    deformity_max: float = Field(
        default=0.6, ge=0, le=1, description="most of the deformity that a severity can bring"
    )
    implant_fraction: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="share of subjects with a total hip replacement on the side not examined "
        "(Gu 2023 Table 1: 25 of the 550 sides of dataset A were left out for an implant)",
    )
