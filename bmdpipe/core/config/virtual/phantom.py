"""The calibration phantom that lies under the virtual subjects."""

from __future__ import annotations

from pydantic import Field, model_validator

from bmdpipe.core.config.base import Section


class PhantomConfig(Section):
    """The calibration phantom B-MAS200; its sizes are not published and are set here."""

    rod_densities_mg_cm3: tuple[float, ...] = Field(
        default=(0.0, 50.0, 100.0, 150.0, 200.0),
        min_length=2,
        description="hydroxyapatite in the rods (Kyoto Kagaku B-MAS200)",
    )
    rod_diameter_mm: float = Field(default=18.0, ge=8, le=40, description="diameter of a rod")
    rod_spacing_mm: float = Field(default=30.0, ge=12, le=60, description="centre to centre")
    height_mm: float = Field(default=28.0, ge=12, le=60, description="thickness of the body")
    base_hu: float = Field(
        default=-70.0, ge=-300, le=100, description="material of the body around the rods, HU"
    )
    tilt_sd_deg: float = Field(
        default=0.6, ge=0, le=3, description="obliquity of table and rods to the scanner's axes"
    )

    @model_validator(mode="after")
    def _rods_apart(self) -> PhantomConfig:
        if self.rod_spacing_mm <= self.rod_diameter_mm or self.height_mm <= self.rod_diameter_mm:
            raise ValueError("rods must not touch, and must fit into the phantom's height")
        return self
