"""The whole config: one section per part of the pipeline."""

from __future__ import annotations

from pydantic import Field, model_validator

from bmdpipe.core.config.base import Section
from bmdpipe.core.config.bone_suppression import BoneSuppressionConfig
from bmdpipe.core.config.calibration import CalibrationConfig
from bmdpipe.core.config.cohort import CohortConfig
from bmdpipe.core.config.companions import BrainMrConfig, TumourConfig
from bmdpipe.core.config.ct_bmd import CtBmdConfig
from bmdpipe.core.config.ct_only import CtOnlyConfig
from bmdpipe.core.config.evaluation import EvaluationConfig
from bmdpipe.core.config.explain import ExplainConfig
from bmdpipe.core.config.folds import FoldsConfig
from bmdpipe.core.config.imaging import ImagingConfig
from bmdpipe.core.config.pairs import PairsConfig
from bmdpipe.core.config.projection import ProjectionConfig
from bmdpipe.core.config.registration import RegistrationConfig
from bmdpipe.core.config.report import ReportConfig
from bmdpipe.core.config.roi import RoiConfig
from bmdpipe.core.config.segmentation import SegmentationConfig
from bmdpipe.core.config.study import HipBmdConfig
from bmdpipe.core.config.tracking import TrackingConfig
from bmdpipe.core.config.training import TrainingConfig
from bmdpipe.core.config.virtual.brain import BrainConfig
from bmdpipe.core.config.virtual.chest import ChestConfig
from bmdpipe.core.config.virtual.cohort import VirtualConfig
from bmdpipe.core.config.virtual.lumbar import LumbarConfig
from bmdpipe.core.config.workflow import WorkflowConfig


class Config(Section):
    """What a run does. Every section but `cohort` may be left out: its defaults are the paper's."""

    cohort: CohortConfig = Field(description="whose data is worked on")
    results: str = Field(default="results", min_length=1, description="folder of all results")
    virtual: VirtualConfig = Field(
        default_factory=VirtualConfig, description="the virtual cohort, if `cohort.kind` is virtual"
    )
    lumbar: LumbarConfig = Field(
        default_factory=LumbarConfig, description="the virtual cohort of the study of CT to BMD"
    )
    chest: ChestConfig = Field(
        default_factory=ChestConfig, description="the virtual cohort of bone suppression"
    )
    brain: BrainConfig = Field(
        default_factory=BrainConfig, description="the virtual cohort of brain MR attribution"
    )
    ct_only: CtOnlyConfig = Field(
        default_factory=CtOnlyConfig, description="subjects with a CT alone, if `cohort.ct_only`"
    )
    imaging: ImagingConfig = Field(
        default_factory=ImagingConfig, description="import of CT series and radiographs"
    )
    folds: FoldsConfig = Field(
        default_factory=FoldsConfig, description="cross-validation folds by subject"
    )
    calibration: CalibrationConfig = Field(
        default_factory=CalibrationConfig, description="Hounsfield units to bone density"
    )
    segmentation: SegmentationConfig = Field(
        default_factory=SegmentationConfig, description="Bayesian U-Net of pelvis and femora"
    )
    roi: RoiConfig = Field(
        default_factory=RoiConfig, description="landmarks and region of the proximal femur"
    )
    registration: RegistrationConfig = Field(
        default_factory=RegistrationConfig, description="2D-3D registration of CT to radiographs"
    )
    projection: ProjectionConfig = Field(
        default_factory=ProjectionConfig, description="density projections at the found poses"
    )
    pairs: PairsConfig = Field(
        default_factory=PairsConfig, description="radiograph and projection pairs for training"
    )
    training: TrainingConfig = Field(
        default_factory=TrainingConfig, description="losses, optimisers and schedules"
    )
    hip_bmd: HipBmdConfig = Field(
        default_factory=HipBmdConfig, description="the study: decomposers, experiments, targets"
    )
    brain_mr_attribution: BrainMrConfig = Field(
        default_factory=BrainMrConfig, description="the companion study of seed 002"
    )
    tumour_classification: TumourConfig = Field(
        default_factory=TumourConfig, description="the companion study of seed 004"
    )
    ct_bmd: CtBmdConfig = Field(
        default_factory=CtBmdConfig, description="the companion study of seed 000"
    )
    bone_suppression: BoneSuppressionConfig = Field(
        default_factory=BoneSuppressionConfig, description="the companion study of seed 001"
    )
    evaluation: EvaluationConfig = Field(
        default_factory=EvaluationConfig, description="metrics and their intervals"
    )
    explain: ExplainConfig = Field(
        default_factory=ExplainConfig, description="attention maps and representation pictures"
    )
    report: ReportConfig = Field(default_factory=ReportConfig, description="the HTML report")
    workflow: WorkflowConfig = Field(
        default_factory=WorkflowConfig, description="how jobs run, never what they compute"
    )
    tracking: TrackingConfig = Field(
        default_factory=TrackingConfig, description="where runs are recorded for comparison"
    )

    @model_validator(mode="after")
    def _no_experiments_without_radiographs(self) -> Config:
        if self.cohort.ct_only and self.hip_bmd.experiments:
            raise ValueError(
                "with 'cohort.ct_only' nothing is trained: set hip_bmd.experiments: {}"
            )
        return self
