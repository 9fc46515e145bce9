"""The virtual cohort: how many subjects, who they are, and the scanners that they meet."""

from __future__ import annotations

from pydantic import Field, model_validator

from bmdpipe.core.config.base import Section
from bmdpipe.core.config.virtual.ct import CtConfig
from bmdpipe.core.config.virtual.demographics import DatasetAConfig, DemographicsConfig
from bmdpipe.core.config.virtual.density import BoneDensityConfig
from bmdpipe.core.config.virtual.disease import DiseaseConfig
from bmdpipe.core.config.virtual.dxa import DxaConfig
from bmdpipe.core.config.virtual.phantom import PhantomConfig
from bmdpipe.core.config.virtual.positioning import PositioningConfig
from bmdpipe.core.config.virtual.soft_tissue import SoftTissueConfig
from bmdpipe.core.config.virtual.xray import RadiographConfig
from bmdpipe.core.names import POSITIONINGS, Positioning


class VirtualConfig(Section):
    """A virtual cohort, made whole from its seed."""

    seed: int = Field(default=20230, ge=0, le=2**31, description="seed of the whole cohort")
    prefix: str = Field(
        default="V", pattern=r"^[A-Za-z]{1,8}$", description="what a subject's name starts with"
    )
    n_subjects: int = Field(
        default=305, ge=1, le=9999, description="number of subjects (Gu 2023: 305)"
    )
    n_dataset_a: int = Field(
        default=0,
        ge=0,
        le=9999,
        description="further subjects, one radiograph each, for stage one (Gu 2023 Table 1: 275)",
    )
    missing_radiograph_fraction: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="share of subjects that lack one positioning (Gu 2023 Table 1: 16 of 305)",
    )
    n_annotated: int = Field(
        default=20, ge=0, le=9999, description="how many of the first have an expert's label map"
    )
    positionings: tuple[Positioning, ...] = Field(
        default=POSITIONINGS, min_length=1, description="one radiograph of each per subject"
    )
    grid_mm: float = Field(
        default=1.0,
        ge=0.3,
        le=8,
        description="largest voxel of the bones; CT voxels are divided until they are this fine",
    )
    pelvis_grid_mm: float | None = Field(
        default=None,
        ge=0.3,
        le=8,
        description="largest voxel of the pelvis, which is never measured; null: grid_mm",
    )
    demographics: DemographicsConfig = Field(
        default=DemographicsConfig(), description="sex, age and BMI"
    )
    dataset_a: DatasetAConfig = Field(
        default=DatasetAConfig(), description="sex, age and BMI in dataset A"
    )
    density: BoneDensityConfig = Field(
        default=BoneDensityConfig(), description="bone mineral and its spread"
    )
    disease: DiseaseConfig = Field(
        default=DiseaseConfig(), description="osteoarthritis, deformity, implants"
    )
    soft_tissue: SoftTissueConfig = Field(
        default=SoftTissueConfig(), description="skin, fat, muscle and bowel"
    )
    positioning: PositioningConfig = Field(
        default=PositioningConfig(), description="joint angles before the detector"
    )
    ct: CtConfig = Field(default=CtConfig(), description="the CT scanner")
    phantom: PhantomConfig = Field(default=PhantomConfig(), description="the calibration phantom")
    radiograph: RadiographConfig = Field(default=RadiographConfig(), description="the X-ray room")
    dxa: DxaConfig = Field(default=DxaConfig(), description="the DXA scanner")

    @model_validator(mode="after")
    def _annotated_are_subjects(self) -> VirtualConfig:
        if self.n_annotated > self.n_subjects:
            raise ValueError("n_annotated must not be above n_subjects")
        return self
