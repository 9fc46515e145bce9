"""The study of seed 000: bone mineral density from an axial CT slice of a vertebra."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from bmdpipe.core.config.base import Section
from bmdpipe.core.config.explain import ExplainConfig, MapMethod
from bmdpipe.core.config.segmentation import SegmentationConfig
from bmdpipe.core.config.supervised import SupervisedConfig, VariationConfig
from bmdpipe.core.names import Target

Region = Literal["cropped", "vertebra", "body"]


class SplitsConfig(Section):
    """How subjects are held out; a subject is never on both sides of a split."""

    kind: Literal["random", "folds"] = Field(
        default="random",
        description="independent random splits (seed 000), or folds, in which each subject is "
        "held out once",
    )
    n: int = Field(default=10, ge=2, le=50, description="number of splits (seed 000: 10)")
    held_out: float = Field(
        default=0.2, gt=0, lt=1, description="share of subjects held out by a random split"
    )
    seed: int = Field(default=0, ge=0, description="seed of the deal")


class BalanceConfig(Section):
    """The density-balanced Huber loss: rare values weigh more."""

    bandwidth_sd: float = Field(
        default=0.3,
        gt=0,
        le=3,
        description="width of the kernel that estimates how dense the training values are, in "
        "their standard deviations (own choice)",
    )
    power: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="a value's weight is its density to minus this power; 0 weighs all alike "
        "(own choice)",
    )
    delta_sd: float = Field(
        default=1.0, gt=0, le=10, description="error from which Huber's loss is a line"
    )


class CtVariationConfig(VariationConfig):
    """Neither size nor intensity is varied, for they carry the density; nor does anything move,
    since interpolation smooths the noise that held-out slices have and shifts their values."""

    rotation_deg: float = Field(default=0.0, ge=0, le=180, description="turn")
    shift_fraction: float = Field(
        default=0.0, ge=0, le=0.5, description="shift along each axis, part of its length"
    )
    scale: float = Field(default=0.0, ge=0, lt=1, description="magnification is 1 +- this")
    gain: float = Field(default=0.0, ge=0, lt=1, description="factor on intensity is 1 +- this")


class CtTrainingConfig(SupervisedConfig):
    """The value networks' training; own choices."""

    epochs: int = Field(default=100, ge=1, le=10_000, description="passes through the training set")
    batch_size: int = Field(default=16, ge=1, description="images per step")
    variation: CtVariationConfig = Field(
        default=CtVariationConfig(), description="random changes of the training images"
    )


class CtExplainConfig(ExplainConfig):
    """The seed's maps."""

    methods: tuple[MapMethod, ...] = Field(
        default=("grad_ram", "grad_ramp"), min_length=1, description="maps to draw"
    )


class CtBmdConfig(Section):
    """Bone mineral density from CT by a residual network, from three views of a vertebra."""

    folder: str | None = Field(
        default=None,
        description="folder of cases.tsv (case, subject, ct, annotation, dxa_abmd_g_cm2, "
        "qct_vbmd_mg_cm3); none: the virtual cohort `lumbar`",
    )
    annotated: int = Field(
        default=40,
        ge=2,
        description="virtual cohort: cases with an annotation, which train the segmentation",
    )
    masks: Literal["network", "annotation"] = Field(
        default="network",
        description="where masks are from: the Bayesian U-Net, trained on the annotated cases, "
        "which are then in no split; or the annotations themselves, of all cases",
    )
    segmentation: SegmentationConfig = Field(
        default=SegmentationConfig(), description="the Bayesian U-Net (Hiasa 2020)"
    )
    regions: tuple[Region, ...] = Field(
        default=("cropped", "vertebra", "body"),
        min_length=1,
        description="the cases of seed 000: cropped, entire vertebra masked, vertebral body masked",
    )
    targets: tuple[Target, ...] = Field(
        default=("dxa", "qct"), min_length=1, description="the values to be learnt (seed 000: dxa)"
    )
    window_hu: tuple[float, float] = Field(
        default=(-200.0, 1000.0),
        description="HU mapped to 0 and 1 and clipped, the same for every image (own choice)",
    )
    size_px: int = Field(default=256, ge=32, le=1024, description="rows and columns (seed 000)")
    field_mm: float = Field(
        default=128.0, ge=40, le=400, description="edge of the field about the vertebral body"
    )
    slices: int = Field(
        default=1, ge=1, le=15, description="slices about mid-height, a channel each (seed 000: 1)"
    )
    splits: SplitsConfig = Field(default=SplitsConfig(), description="held-out subjects")
    model: str = Field(default="preact_resnet22", description="value network of the registry")
    balance: BalanceConfig = Field(default=BalanceConfig(), description="weights of the loss")
    training: CtTrainingConfig = Field(default=CtTrainingConfig(), description="their training")
    explain: CtExplainConfig = Field(
        default=CtExplainConfig(), description="the seed's maps of the first split's networks"
    )
    threads: int = Field(default=1, ge=1, le=256, description="threads of each training job")

    @model_validator(mode="after")
    def _sensible(self) -> CtBmdConfig:
        if self.window_hu[0] >= self.window_hu[1]:
            raise ValueError("window_hu must go from the lower to the higher HU")
        if self.slices % 2 == 0:
            raise ValueError("slices must be odd: as many below mid-height as above")
        return self
