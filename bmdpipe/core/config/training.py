"""The `training` section: optimisers, losses and lengths of every kind of training."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from bmdpipe.core.config.base import Section


class OptimiserConfig(Section):
    """AdamW under cosine annealing with warm restarts."""

    learning_rate: float = Field(
        default=6e-5, gt=0, le=1, description="initial learning rate (Gu 2023 §4.2.7: 6e-5)"
    )
    betas: tuple[float, float] = Field(
        default=(0.5, 0.999), description="decay rates of AdamW's moments (Isola 2017)"
    )
    weight_decay: float = Field(
        default=1e-2, ge=0, le=1, description="decoupled weight decay (Gu 2023 §4.2.7: 1e-2)"
    )
    first_cycle_epochs: int | None = Field(
        default=10,
        ge=1,
        description="epochs until the first warm restart (Loshchilov 2017); none: one cycle",
    )
    cycle_factor: int = Field(
        default=2, ge=1, description="each cycle is this many times the one before"
    )
    warmup_steps: int = Field(
        default=0, ge=0, description="steps over which the learning rate first rises linearly"
    )
    clip_norm: float | None = Field(
        default=None, gt=0, description="largest norm of the gradient; none: not clipped"
    )


class DiscriminatorConfig(Section):
    """Multi-scale PatchGAN (Wang 2018)."""

    scales: int = Field(default=3, ge=1, le=5, description="image scales (Gu 2023 eq. 7: 3)")
    filters: int = Field(default=64, ge=2, description="channels of the first layer (Wang 2018)")
    layers: int = Field(default=3, ge=1, le=5, description="layers of stride 2 (Wang 2018)")


class DecompositionConfig(Section):
    """Stages one and two: radiograph to density projection."""

    batch_size: int = Field(default=4, ge=1, description="hip images per step")
    optimiser: OptimiserConfig = Field(
        default=OptimiserConfig(), description="optimiser of the generator"
    )
    discriminator_learning_rate: float | None = Field(
        default=None, gt=0, description="learning rate of the discriminators; none: the generator's"
    )
    discriminator: DiscriminatorConfig = Field(
        default=DiscriminatorConfig(), description="size of the discriminators"
    )
    adversarial: Literal["least_squares", "logarithmic"] = Field(
        default="least_squares",
        description="least squares (as trained) or the logarithms of Gu 2023 eq. 1",
    )
    weight_adversarial: float = Field(
        default=1.0, ge=0, description="weight of the adversarial loss; 0 trains no discriminator"
    )
    weight_l1: float = Field(
        default=100.0, ge=0, description="weight of the L1 loss (Gu 2023 §4.2.7: 100)"
    )
    weight_gc: float = Field(
        default=1.0, ge=0, description="weight of the gradient-correlation loss (Gu 2023: 1)"
    )
    weight_fm: float = Field(
        default=10.0, ge=0, description="weight of the feature-matching loss (Gu 2023: 10)"
    )
    max_steps: int | None = Field(
        default=None, ge=1, description="stop a stage after so many steps; none: after its epochs"
    )


class HeadConfig(Section):
    """Transformer blocks S3 and S4 of CoAtNet on the encoder's representation (Gu 2023 §3.3)."""

    dims: tuple[int, int] = Field(default=(384, 768), description="channels of S3, S4 (coatnet_0)")
    depths: tuple[int, int] = Field(default=(5, 2), description="blocks of S3, S4 (coatnet_0)")
    head_dim: int = Field(default=32, ge=1, description="channels of one attention head (Dai 2021)")

    @model_validator(mode="after")
    def _heads_fit(self) -> HeadConfig:
        if any(dim % self.head_dim for dim in self.dims) or min(self.depths) < 1:
            raise ValueError("'dims' are multiples of 'head_dim', and 'depths' at least 1")
        return self


class RegressionConfig(Section):
    """Stage three: representation to BMD."""

    batch_size: int = Field(default=4, ge=1, description="hip images per step")
    frozen_epochs: int = Field(
        default=310, ge=0, description="epochs with the encoder fixed (Gu 2023 §4.2.7: 310)"
    )
    tuned_epochs: int = Field(
        default=70,
        ge=0,
        description="epochs of the whole network after that (Gu 2023 §4.2.7: 70); "
        "an experiment with a frozen encoder has none",
    )
    optimiser: OptimiserConfig = Field(
        default=OptimiserConfig(), description="optimiser while the encoder is fixed"
    )
    tuned_learning_rate: float = Field(
        default=8e-6, gt=0, le=1, description="learning rate of the tuning (Gu 2023 §4.2.7: 8e-6)"
    )
    projection_learning_rate: float = Field(
        default=3e-3,
        gt=0,
        le=1,
        description="learning rate of the head 'projection' (own choice: docs/learning.md)",
    )
    head: HeadConfig = Field(default=HeadConfig(), description="size of the regression head")


class ConventionalConfig(Section):
    """The baseline: region of the radiograph to BMD (Hsieh 2021)."""

    model: str = Field(default="vgg16", description="name of a region regressor in the registry")
    region_px: int = Field(default=224, ge=16, description="side of the square region image")
    region_margin: float = Field(
        default=0.1, ge=0, le=1, description="margin about the proximal femur, part of its size"
    )
    batch_size: int = Field(default=4, ge=1, description="regions per step")
    epochs: int = Field(default=400, ge=1, description="epochs (Gu 2023 §4.2.7: 400)")
    optimiser: OptimiserConfig = Field(default=OptimiserConfig(), description="its optimiser")


class TrainingConfig(Section):
    """Every training of networks that turn a radiograph into BMD."""

    decomposition: DecompositionConfig = Field(
        default=DecompositionConfig(), description="stages one and two"
    )
    regression: RegressionConfig = Field(default=RegressionConfig(), description="stage three")
    conventional: ConventionalConfig = Field(
        default=ConventionalConfig(), description="the baseline"
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="where to train; auto takes a GPU where there is one"
    )
    precision: Literal["float32", "bfloat16"] = Field(
        default="float32", description="number type of the forward pass"
    )
    seed: int = Field(default=0, ge=0, description="seed of weights, order and augmentation")
    checkpoint_every_epochs: int = Field(
        default=10, ge=1, description="epochs between states for resuming"
    )

    def seeded(self, seed: int | None) -> TrainingConfig:
        """The same with another seed, if one is given."""
        return self if seed is None else self.model_copy(update={"seed": seed})
