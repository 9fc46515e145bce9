"""The Bayesian U-Net that segments pelvis and femora in CT."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from bmdpipe.core.config.base import Section


class SegmentationNetwork(Section):
    """The network and the slices it sees; whoever changes it trains anew."""

    kind: Literal["unet", "monai"] = Field(
        default="unet",
        description="'unet' is this project's own; 'monai' is MONAI's UNet, an optional extra",
    )
    slab: int = Field(
        default=1,
        ge=1,
        le=128,
        description="slices that the network sees together: 1 makes it 2D (Hiasa 2020), more "
        "make it 3D",
    )
    slab_mm: float = Field(
        default=3.0, gt=0.1, le=10, description="how far apart the slices of a 3D network lie"
    )
    depth: int = Field(default=5, ge=2, le=7, description="levels of the U-Net (Hiasa 2020: 5)")
    base_filters: int = Field(
        default=32, ge=2, le=128, description="filters of the first level (Hiasa 2020: 32)"
    )
    dropout: float = Field(
        default=0.5,
        ge=0,
        lt=1,
        description="share of a block's outputs dropped, in training and in prediction "
        "(Hiasa 2020: 0.5)",
    )
    window_hu: tuple[float, float] = Field(
        default=(-150.0, 350.0), description="HU mapped to 0 and 1, clipped (Hiasa 2020)"
    )
    pixel_mm: float = Field(
        default=0.75, gt=0.1, le=10, description="pixel size of the slices the network sees"
    )
    matrix_px: tuple[int, int] = Field(
        default=(512, 512),
        description="width and height of those slices, laid around the body's centre",
    )

    @model_validator(mode="after")
    def _sizes_fit(self) -> SegmentationNetwork:
        if self.window_hu[0] >= self.window_hu[1]:
            raise ValueError("window_hu must go from the lower to the higher HU")
        multiple = 2 ** (self.depth - 1)
        if min(self.matrix_px) < multiple or any(n % multiple for n in self.matrix_px):
            raise ValueError(
                f"matrix_px must be multiples of {multiple} for depth {self.depth}, "
                f"not {self.matrix_px}"
            )
        if self.slab > 1 and self.slab % multiple:
            raise ValueError(f"slab must be 1 or a multiple of {multiple}, not {self.slab}")
        return self


class SegmentationAugmentation(Section):
    """Largest random changes of a training slice; each is drawn anew per slice (own choices)."""

    rotation_deg: float = Field(default=10.0, ge=0, le=45, description="rotation to either side")
    scale: float = Field(default=0.1, ge=0, le=0.5, description="relative change of size")
    stretch: float = Field(
        default=0.05, ge=0, le=0.5, description="relative change of size along either axis alone"
    )
    shift_mm: float = Field(default=15.0, ge=0, le=100, description="shift along either axis")
    bend_mm: float = Field(
        default=5.0, ge=0, le=50, description="smooth displacement, which changes form"
    )
    mirror: bool = Field(default=True, description="swap left and right in half of the slices")
    cut_share: float = Field(
        default=0.1, ge=0, le=1, description="share of slices cut by a field of view"
    )
    hu_scale: float = Field(default=0.05, ge=0, le=0.5, description="relative change of HU")
    hu_shift: float = Field(default=20.0, ge=0, le=200, description="HU added to a slice")
    bone_gain: float = Field(
        default=0.3,
        ge=0,
        le=1.5,
        description="logarithm of a factor on the HU of cancellous and, apart, of cortical bone",
    )
    marrow_hu: float = Field(
        default=40.0, ge=0, le=300, description="HU added to all of a slice's bone"
    )
    patch_hu: float = Field(
        default=100.0,
        ge=0,
        le=500,
        description="amplitude of HU added to regions of cancellous bone, as where fat takes the "
        "marrow's place",
    )
    soft_gain: float = Field(
        default=0.2, ge=0, lt=1, description="relative change of the contrast of soft tissue"
    )
    texture_hu: float = Field(
        default=15.0,
        ge=0,
        le=200,
        description="amplitude of smooth texture in soft tissue; in bone it is twice that",
    )
    shading_hu: float = Field(
        default=15.0, ge=0, le=200, description="amplitude of a slow shading across a slice"
    )
    agent_share: float = Field(
        default=0.25, ge=0, le=1, description="share of slices with contrast agent, and with gas"
    )
    metal_share: float = Field(
        default=0.03, ge=0, le=1, description="share of slices with an implant in a femur"
    )
    blur_mm: float = Field(
        default=1.0,
        ge=0,
        le=5,
        description="largest Gaussian with which a slice is blurred or sharpened",
    )
    noise_hu: float = Field(
        default=30.0, ge=0, le=200, description="largest standard deviation of added noise"
    )


class SegmentationTraining(Section):
    """How long, and how, a fold's network is trained."""

    epochs: int = Field(default=60, ge=1, description="passes over the training slices")
    slices_per_epoch: int | None = Field(
        default=None, ge=1, description="slices drawn for an epoch; null takes all"
    )
    joint_weight: float = Field(
        default=1.0,
        ge=1,
        le=20,
        description="how much rather a slice with pelvis and femur is drawn for a short epoch: "
        "most mistakes lie in the hip joint",
    )
    slice_mm: float = Field(
        default=3.0,
        ge=0,
        le=50,
        description="training slices lie at least this far apart, so that thin ones do not fill "
        "the memory",
    )
    batch_size: int = Field(default=8, ge=1, le=256, description="slices per step")
    learning_rate: float = Field(
        default=1e-3, gt=0, le=1, description="highest learning rate of the one-cycle schedule"
    )
    weight_decay: float = Field(default=1e-4, ge=0, le=1, description="weight decay of AdamW")
    clip_norm: float | None = Field(
        default=None,
        gt=0,
        description="largest norm of the gradient; none: not clipped. With few annotated subjects "
        "and a high learning rate, a network may otherwise end in calling all background",
    )
    dice_weight: float = Field(
        default=1.0, ge=0, le=10, description="weight of soft Dice beside cross entropy"
    )
    held_out: float = Field(
        default=0.2,
        ge=0,
        lt=1,
        description="share of the annotated training subjects kept for the line from variance "
        "to Dice",
    )
    min_annotated_to_hold_out: int = Field(
        default=10,
        ge=2,
        description="with fewer annotated subjects all are trained on, and the line is fitted "
        "on them",
    )
    augmentation: SegmentationAugmentation = Field(
        default=SegmentationAugmentation(), description="random changes of the training slices"
    )


class SegmentationQuality(Section):
    """The line that predicts Dice from variance: what it is fitted on."""

    slices: int = Field(default=60, ge=4, description="slices of a CT looked at for the line")
    copies: int = Field(
        default=5,
        ge=0,
        le=50,
        description="worsened copies of each CT beside the CT itself, so that the line spans good "
        "and bad segmentations",
    )
    strength: float = Field(
        default=4.0,
        gt=0,
        le=10,
        description="how much worse than the training's changes of appearance the worst copy is",
    )


class SegmentationPrediction(Section):
    """How a CT is segmented, and what is refused."""

    passes: int = Field(
        default=50, ge=1, le=200, description="Monte-Carlo dropout passes (Hiasa 2020: 50)"
    )
    batch_size: int = Field(default=8, ge=1, le=256, description="slices per forward pass")
    slice_mm: float = Field(
        default=0.0,
        ge=0,
        le=10,
        description="a 2D network looks at slices at least this far apart and the shares between "
        "them are interpolated; 0 looks at all",
    )
    smooth_mm: float = Field(
        default=1.5,
        ge=0,
        le=10,
        description="Gaussian along the body over the shares of single slices, which a 2D network "
        "finds without their neighbours (own choice)",
    )
    min_pelvis_ml: float = Field(
        default=150.0, ge=0, description="a smaller pelvis counts as not segmented"
    )
    min_femur_ml: float = Field(
        default=40.0, ge=0, description="a smaller femur counts as not segmented"
    )
    min_femur_mm: float = Field(
        default=80.0,
        ge=0,
        le=500,
        description="least length along the body of a femur that leaves the image below: from the "
        "head to the lesser trochanter (own choice); the region asks for more",
    )
    above_crest_mm: float | None = Field(
        default=10.0,
        ge=0,
        le=500,
        description="how far above the iliac crests the lumbar spine still counts as pelvis; null "
        "keeps all of it",
    )
    part_share: float = Field(
        default=0.05,
        gt=0,
        le=1,
        description="pieces of the pelvis smaller than this share of its largest are dropped",
    )
    border_hu: float | None = Field(
        default=350.0,
        ge=-100,
        le=1000,
        description="where the network is in doubt, a voxel of this HU is decided by the network "
        "alone, a denser one rather counts as bone, a darker one rather not: about half of what "
        "thin cortex reaches (own choice); null leaves the border to the network",
    )
    border_weight: float = Field(
        default=0.4,
        ge=0,
        le=10,
        description="logits of the network's share that 100 HU from border_hu outweigh (own "
        "choice, between what suits virtual CTs and no weight)",
    )
    warn_dice: float = Field(
        default=0.9, ge=0, le=1, description="a predicted Dice below this is marked"
    )


class SegmentationConfig(Section):
    """Segmentation of pelvis and femora by a Bayesian U-Net (Hiasa 2020)."""

    seed: int = Field(default=0, ge=0, description="seed of weights, training and dropout")
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="auto takes a GPU if there is one"
    )
    network: SegmentationNetwork = Field(
        default=SegmentationNetwork(), description="network and working slices"
    )
    training: SegmentationTraining = Field(
        default=SegmentationTraining(), description="training of a fold's network"
    )
    quality: SegmentationQuality = Field(
        default=SegmentationQuality(), description="the line from variance to Dice"
    )
    trained: str | None = Field(
        default=None,
        min_length=1,
        description="folder of a trained network (weights.safetensors, model.json, quality.json) "
        "that is used for all subjects; nothing is trained then",
    )
    mask_table: str | dict[Literal["pelvis", "femur_r", "femur_l"], tuple[int, ...]] = Field(
        default="own",
        description="what the values of the subjects' own `bone_labels` mean: the name of a table "
        "(own, totalsegmentator-v1, totalsegmentator-v2) or the values of pelvis, femur_r and "
        "femur_l",
    )
    prediction: SegmentationPrediction = Field(
        default=SegmentationPrediction(), description="prediction and refusal"
    )
