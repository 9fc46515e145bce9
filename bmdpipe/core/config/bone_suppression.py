"""The study of seed 001: bones out of chest radiographs, and tuberculosis told with and without."""

from __future__ import annotations

from pydantic import Field

from bmdpipe.core.config.base import Section
from bmdpipe.core.config.explain import ExplainConfig, MapMethod
from bmdpipe.core.config.supervised import OneCycleConfig, SupervisedConfig, VariationConfig


class StillConfig(VariationConfig):
    """Nothing is changed while a suppressor is trained: its copies were made before."""

    rotation_deg: float = Field(default=0.0, ge=0, le=180, description="turn")
    shift_fraction: float = Field(default=0.0, ge=0, le=0.5, description="shift")
    scale: float = Field(default=0.0, ge=0, lt=1, description="magnification is 1 +- this")
    gain: float = Field(default=0.0, ge=0, lt=1, description="factor on intensity is 1 +- this")
    mirror: bool = Field(default=False, description="mirror with probability 1/2")


class CopyVariationConfig(VariationConfig):
    """Affine changes of copies (seed 001); intensity stays."""

    rotation_deg: float = Field(default=10.0, ge=0, le=180, description="turn (seed 001: 10)")
    shift_fraction: float = Field(
        default=0.02, ge=0, le=0.5, description="shift, part of the length (seed 001: 5 of 256)"
    )
    scale: float = Field(default=0.1, ge=0, lt=1, description="magnification is 1 +- this")
    gain: float = Field(default=0.0, ge=0, lt=1, description="factor on intensity is 1 +- this")


class AdamConfig(OneCycleConfig):
    """Adam: no decay of weights (seed 001)."""

    weight_decay: float = Field(default=0.0, ge=0, le=1, description="decoupled weight decay")


class SuppressionTrainingConfig(SupervisedConfig):
    """Training of suppressors (seed 001: Adam, 1e-3, batch 8, 200 epochs)."""

    epochs: int = Field(default=200, ge=1, le=10_000, description="passes (seed 001: 200)")
    optimiser: AdamConfig = Field(default=AdamConfig(), description="optimiser")
    variation: StillConfig = Field(
        default=StillConfig(), description="random changes during training"
    )


class ClassifierOptimiserConfig(AdamConfig):
    """Slow, for weights that are learnt already."""

    learning_rate: float = Field(default=1e-4, gt=0, le=1, description="initial learning rate")


class ClassifierTrainingConfig(SupervisedConfig):
    """Training of the chest classifier; own choices."""

    epochs: int = Field(default=40, ge=1, le=10_000, description="passes through the training set")
    batch_size: int = Field(default=16, ge=1, description="radiographs per step")
    optimiser: ClassifierOptimiserConfig = Field(
        default=ClassifierOptimiserConfig(), description="optimiser"
    )


class ChestExplainConfig(ExplainConfig):
    """Class-selective relevance maps."""

    methods: tuple[MapMethod, ...] = Field(
        default=("crm",), min_length=1, description="maps to draw"
    )


class OfflineConfig(Section):
    """Changed copies of training pairs, made before training and after the split."""

    copies: int = Field(
        default=17, ge=0, le=100, description="copies per pair (seed 001: 4500 pairs of 247)"
    )
    variation: CopyVariationConfig = Field(
        default=CopyVariationConfig(), description="affine changes"
    )
    window_px: int = Field(
        default=3, ge=3, le=9, description="edge of the median, minimum and maximum filters"
    )
    unsharp: float = Field(
        default=1.0, ge=0, le=5, description="weight of the unsharp mask (own choice)"
    )


class SuppressionLossConfig(Section):
    """MAE and MS-SSIM together, and the penalty on weights."""

    structural: float = Field(
        default=0.84, ge=0, le=1, description="weight of 1 - MS-SSIM; the rest is that of the MAE"
    )
    l1: dict[str, float] = Field(
        default={"convnet_bs": 1e-6, "convnet_bs_small": 1e-6},
        description="per model the penalty on the sum of absolute weights (seed 001 names it for "
        "ConvNet-BS, the factor is ours)",
    )


class BoneSuppressionConfig(Section):
    """Bone suppression, and classification of tuberculosis on originals and suppressed images."""

    jsrt: str | None = Field(
        default=None,
        description="folder of JSRT (JPCLN*, JPCNN*: .IMG or pictures) and BSE_JSRT (their "
        "suppressed twins of the same names); none: the virtual cohort `chest`",
    )
    tuberculosis: tuple[str, ...] = Field(
        default=(),
        description="folders of the Shenzhen and Montgomery sets (CXR_png/*_0.png, *_1.png); none: "
        "the virtual cohort",
    )
    pretraining: str | None = Field(
        default=None,
        description="folder with a folder of pictures per class for pretraining; none: the virtual "
        "cohort",
    )
    n_pairs: int = Field(
        default=247, ge=10, description="virtual cases for suppression (JSRT: 247)"
    )
    n_pretraining: int = Field(
        default=200, ge=10, description="virtual cases for pretraining; the rest is classified"
    )
    size_px: int = Field(default=256, ge=32, le=2048, description="rows and columns (seed 001)")
    saturated: float = Field(
        default=0.01, ge=0, lt=0.5, description="share of pixels saturated at each end (seed 001)"
    )
    suppressors: tuple[str, ...] = Field(
        default=("ae_bs", "convnet_bs", "rl_bs", "resnet_bs", "resnet"),
        min_length=1,
        description="suppressors and generators of the registry",
    )
    chosen: str = Field(
        default="resnet_bs",
        description="whose images are classified (seed 001: ResNet-BS); named beforehand, so that "
        "no test image chooses",
    )
    test_share: float = Field(
        default=0.2, gt=0, lt=1, description="share of the pairs' subjects that are held out"
    )
    offline: OfflineConfig = Field(default=OfflineConfig(), description="copies of pairs")
    loss: SuppressionLossConfig = Field(default=SuppressionLossConfig(), description="the loss")
    suppression_training: SuppressionTrainingConfig = Field(
        default=SuppressionTrainingConfig(), description="training of suppressors"
    )
    classifier: str = Field(default="vgg16_cxr", description="classifier of the registry")
    weights: str | None = Field(
        default=None,
        description="safetensors file of ImageNet weights to start pretraining from (torchvision's "
        "names); nothing is downloaded",
    )
    pretraining_training: ClassifierTrainingConfig = Field(
        default=ClassifierTrainingConfig(), description="training on normal against abnormal"
    )
    training: ClassifierTrainingConfig = Field(
        default=ClassifierTrainingConfig(), description="fine-tuning on tuberculosis"
    )
    n_folds: int = Field(default=4, ge=2, le=50, description="patient-level folds (seed 001: 4)")
    seed: int = Field(default=0, ge=0, description="seed of splits, folds and copies")
    explain: ChestExplainConfig = Field(
        default=ChestExplainConfig(), description="maps of the first fold's classifiers"
    )
    top_fraction: float = Field(
        default=0.05,
        gt=0,
        le=0.5,
        description="share of the pixels, those of highest relevance, that should lie in the known "
        "finding",
    )
    threads: int = Field(default=1, ge=1, le=256, description="threads of each training job")
