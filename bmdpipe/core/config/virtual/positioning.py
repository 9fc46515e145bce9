"""How the virtual subjects stand and lie before the detector."""

from __future__ import annotations

from pydantic import Field

from bmdpipe.core.config.base import Section


class PositioningConfig(Section):
    """Joint angles of the hips against the CT, in which the feet point straight up."""

    relaxed_rotation_deg: float = Field(
        default=12.0,
        ge=0,
        le=25,
        description="mean external rotation of a leg that is left to itself (unverified)",
    )
    internal_rotation_deg: float = Field(
        default=12.0,
        ge=0,
        le=25,
        description="mean internal rotation of legs that the radiographer has turned in; "
        "15 to 20 is asked for, stiff hips give less (unverified)",
    )
    turned_in_fraction: float = Field(
        default=0.6,
        ge=0,
        le=1,
        description="share of lying radiographs for which the legs have been turned in",
    )
    contracture_fraction: float = Field(
        default=0.2,
        ge=0,
        le=1,
        description="share of severely arthritic hips that cannot be stretched (unverified)",
    )
    contracture_max_deg: float = Field(
        default=30.0, ge=0, le=35, description="strongest flexion contracture"
    )
