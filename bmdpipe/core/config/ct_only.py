"""What is done with subjects of whom there is a CT and nothing else (`cohort.ct_only`)."""

from __future__ import annotations

from pydantic import Field

from bmdpipe.core.config.base import Section

Turn = tuple[float, float, float]


class CtOnlyConfig(Section):
    """The simulated radiographs of a CT at known poses."""

    views: dict[str, Turn] = Field(
        default={"frontal": (0.0, 0.0, 0.0), "turned": (6.0, -4.0, 5.0)},
        min_length=1,
        description="radiographs by name: the body's turn about the axes x, y and z, degrees",
    )
    pixel_mm: float = Field(
        default=0.36, ge=0.1, le=2, description="pixel at the detector (own choice)"
    )
    width_px: int = Field(default=1200, ge=128, le=4096, description="columns of the detector")
    room: int = Field(
        default=0, ge=0, le=99, description="which of the virtual X-ray rooms takes the picture"
    )
    seed: int = Field(default=0, ge=0, description="seed of the radiographs' noise")
