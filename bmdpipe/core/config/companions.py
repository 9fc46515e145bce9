"""The companion studies that classify: brain MR attribution (seed 002), tumours (seed 004)."""

from __future__ import annotations

from pydantic import Field

from bmdpipe.core.config.base import Section
from bmdpipe.core.config.explain import ExplainConfig, MapMethod
from bmdpipe.core.config.supervised import OneCycleConfig, SupervisedConfig, VariationConfig


class ClassificationStudy(Section):
    """What every study has that trains classifiers in folds and explains them."""

    n_folds: int = Field(default=5, ge=2, le=50, description="folds; a group is in one of them")
    fold_seed: int = Field(default=0, ge=0, description="seed of the deal within each class")
    pretrained: dict[str, str] = Field(
        default={},
        description="per model a safetensors file with weights to start from (of timm or "
        "torchvision, same names); nothing is downloaded",
    )
    threads: int = Field(default=1, ge=1, le=256, description="threads of each training job")


class BrainVariationConfig(VariationConfig):
    """Small changes: the volumes stand in one space."""

    rotation_deg: float = Field(default=2.0, ge=0, le=180, description="turn about each axis")
    shift_fraction: float = Field(
        default=0.01, ge=0, le=0.5, description="shift along each axis, part of its length"
    )
    scale: float = Field(default=0.02, ge=0, lt=1, description="magnification is 1 +- this")
    gain: float = Field(default=0.05, ge=0, lt=1, description="factor on intensity is 1 +- this")


class BrainOptimiserConfig(OneCycleConfig):
    """Slow and with much decay: there are far more voxels than subjects."""

    learning_rate: float = Field(default=3e-4, gt=0, le=1, description="initial learning rate")
    weight_decay: float = Field(default=0.1, ge=0, le=1, description="decoupled weight decay")


class BrainTrainingConfig(SupervisedConfig):
    """The volume networks' training; own choices."""

    optimiser: BrainOptimiserConfig = Field(default=BrainOptimiserConfig(), description="optimiser")
    variation: BrainVariationConfig = Field(
        default=BrainVariationConfig(), description="random changes of the training volumes"
    )


class BrainExplainConfig(ExplainConfig):
    """The seed's methods, and FullGrad."""

    cases: int = Field(default=8, ge=1, le=32, description="held-out cases to explain")
    methods: tuple[MapMethod, ...] = Field(
        default=(
            "lrp",
            "guided",
            "grad_cam",
            "grad_cam_pp",
            "guided_grad_cam_pp",
            "lrp_grad_cam_pp",
            "full_grad",
        ),
        min_length=1,
        description="maps to draw",
    )
    deletion_cells: int = Field(
        default=8, ge=2, le=128, description="cells along the longest side for the checks"
    )


class BrainMrConfig(ClassificationStudy):
    """Which parts of a brain volume make a 3D CNN say 'impaired' (seed 002)."""

    folder: str | None = Field(
        default=None,
        description="folder of participants.tsv (subject, group, volume, and if known atlas and "
        "site) with NIfTI volumes that stand in one space; none: the virtual cohort `brain`",
    )
    voxel_mm: float = Field(default=2.0, gt=0, le=10, description="edge of the network's voxels")
    size_vox: tuple[int, int, int] = Field(
        default=(88, 104, 96), description="the network's voxels along x, y, z about the centre"
    )
    models: tuple[str, ...] = Field(
        default=("volume_cnn",), min_length=1, description="volume networks of the registry"
    )
    training: BrainTrainingConfig = Field(
        default=BrainTrainingConfig(), description="their training"
    )
    explain: BrainExplainConfig = Field(
        default=BrainExplainConfig(), description="which maps are drawn and how they are checked"
    )
    top_fraction: float = Field(
        default=0.01,
        gt=0,
        le=0.5,
        description="share of the atlas' voxels, those of highest score, that should lie in the "
        "known site",
    )
    site_margin_mm: float = Field(
        default=4.0,
        ge=0,
        le=30,
        description="margin about the changed voxels that still counts as the site: a boundary "
        "that has moved is seen from both of its sides",
    )
    summary_fwhm_mm: float = Field(
        default=8.0,
        ge=0,
        le=50,
        description="full width at half height of the Gaussian that smooths maps before they are "
        "joined (8 mm is customary for volumes that stand in one space)",
    )
    random_models: int = Field(
        default=5, ge=1, le=100, description="networks with shuffled weights that chance is told by"
    )


class TumourVariationConfig(VariationConfig):
    """Slices lie anyhow."""

    rotation_deg: float = Field(default=15.0, ge=0, le=180, description="turn about each axis")
    shift_fraction: float = Field(
        default=0.05, ge=0, le=0.5, description="shift along each axis, part of its length"
    )
    scale: float = Field(default=0.1, ge=0, lt=1, description="magnification is 1 +- this")
    gain: float = Field(default=0.2, ge=0, lt=1, description="factor on intensity is 1 +- this")


class TumourTrainingConfig(SupervisedConfig):
    """The picture classifiers' training; own choices."""

    batch_size: int = Field(default=16, ge=1, description="pictures per step")
    variation: TumourVariationConfig = Field(
        default=TumourVariationConfig(), description="random changes of the training pictures"
    )


class TumourExplainConfig(ExplainConfig):
    """Maps of the class that was told."""

    methods: tuple[MapMethod, ...] = Field(
        default=("grad_cam", "grad_cam_pp", "lrp", "full_grad"),
        min_length=1,
        description="maps to draw",
    )


class TumourConfig(ClassificationStudy):
    """Tumour or normal from one brain MR slice (seed 004)."""

    folder: str = Field(
        default="../shared/data/brain_mri_slices",
        description="folder with a folder of pictures per class",
    )
    size_px: tuple[int, int] = Field(
        default=(224, 224), description="width and height of the network's pictures (ImageNet: 224)"
    )
    duplicate_bits: int = Field(
        default=8,
        ge=0,
        le=32,
        description="two pictures whose perceptual hashes differ in at most so many of 64 bits "
        "are near duplicates and stay in one fold",
    )
    models: tuple[str, ...] = Field(
        default=("logistic", "resnet18", "densenet121", "efficientnet_b0"),
        min_length=1,
        description="classifiers of the registry; those whose name starts with timm_ need timm",
    )
    training: TumourTrainingConfig = Field(
        default=TumourTrainingConfig(), description="their training"
    )
    explain: TumourExplainConfig = Field(
        default=TumourExplainConfig(), description="which maps of the first fold's models are drawn"
    )
