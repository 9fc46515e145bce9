"""The virtual DXA scanner."""

from __future__ import annotations

from pydantic import Field, model_validator

from bmdpipe.core.config.base import Section


class DxaConfig(Section):
    """The DXA scanner: two voltages in turn, as a Hologic Discovery's (100 and 140 kVp)."""

    pixel_mm: float = Field(default=0.5, ge=0.1, le=2, description="pixels of the picture")
    soft_grid_mm: float = Field(
        default=3.0, ge=1, le=8, description="voxels of the soft tissue in the beam"
    )
    low_kvp: float = Field(default=100.0, ge=60, le=120, description="lower tube voltage, kV")
    high_kvp: float = Field(default=140.0, ge=80, le=150, description="higher tube voltage, kV")
    low_filter_mm_al: float = Field(
        default=4.0, ge=0.5, le=60, description="filter of the lower voltage's beam, aluminium"
    )
    high_filter_mm_al: float = Field(
        default=40.0,
        ge=0.5,
        le=60,
        description="filter of the higher voltage's beam, as aluminium (own choice: it sets the "
        "two energies apart)",
    )
    photons_per_mm2: float = Field(
        default=5e6, ge=1e3, le=1e9, description="quanta per voltage without a patient"
    )
    edge_g_cm2: float = Field(
        default=0.2,
        gt=0,
        le=0.6,
        description="least mineral of bone (constant threshold of 0.2, Mazess)",
    )
    scale: float = Field(
        default=1.0, ge=0.5, le=1.5, description="the scanner's own calibration: reading over truth"
    )
    precision_cv: float = Field(
        default=0.015,
        ge=0,
        le=0.1,
        description="relative precision error of a scan with repositioning, all parts together",
    )
    accuracy_cv: float = Field(
        default=0.06,
        ge=0,
        le=0.2,
        description="spread of what makes a subject's bias beside the fat around and in the bone, "
        "which the physics gives; the same in each scan. No measured figure: its size is chosen "
        "for a correlation of the true projection with DXA as in Gu 2023 (0.90 to 0.96)",
    )
    marrow_fat_mean: float = Field(
        default=0.9,
        ge=0,
        le=1,
        description="mean share of fat in the marrow (Gregory, MRI: 0.89 to 0.91 in sound hips, "
        "0.78 in women before a hip replacement)",
    )
    marrow_fat_sd: float = Field(
        default=0.065,
        ge=0,
        le=0.3,
        description="its spread between subjects (Gregory, MRI: 0.060 to 0.067)",
    )
    turn_sd_deg: float = Field(
        default=3.0, ge=0, le=15, description="misplacing of the leg's rotation, scan by scan"
    )
    cut_sd_mm: float = Field(
        default=1.5, ge=0, le=10, description="operator's misplacing of each of the region's cuts"
    )
    cut_tilt_sd_deg: float = Field(
        default=2.0, ge=0, le=15, description="operator's misplacing of the proximal cut's angle"
    )
    device: str = Field(default="virtual DXA", description="name of the scanner in the tables")

    @model_validator(mode="after")
    def _two_voltages(self) -> DxaConfig:
        if self.low_kvp >= self.high_kvp:
            raise ValueError("low_kvp must be below high_kvp")
        return self
