"""What the companion studies' trainings share: length, batches, optimiser, variation."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bmdpipe.core.config.base import Section
from bmdpipe.core.config.training import OptimiserConfig


class VariationConfig(Section):
    """Random changes of training images and volumes; half-widths of uniform distributions."""

    rotation_deg: float = Field(default=5.0, ge=0, le=180, description="turn about each axis")
    shift_fraction: float = Field(
        default=0.02, ge=0, le=0.5, description="shift along each axis, part of its length"
    )
    scale: float = Field(default=0.05, ge=0, lt=1, description="magnification is 1 +- this")
    gain: float = Field(default=0.1, ge=0, lt=1, description="factor on intensity is 1 +- this")
    mirror: bool = Field(
        default=True, description="mirror left and right with probability 1/2 (last axis)"
    )


class OneCycleConfig(OptimiserConfig):
    """AdamW whose learning rate falls along one half cosine; own choices."""

    learning_rate: float = Field(default=1e-3, gt=0, le=1, description="initial learning rate")
    betas: tuple[float, float] = Field(
        default=(0.9, 0.999), description="decay rates of AdamW's moments (Kingma 2015)"
    )
    first_cycle_epochs: int | None = Field(
        default=None, ge=1, description="epochs until the first warm restart; none: one cycle"
    )


class SupervisedConfig(Section):
    """A network's training on labelled images or volumes; own choices unless a study's seed
    says more."""

    epochs: int = Field(default=60, ge=1, le=10_000, description="passes through the training set")
    batch_size: int = Field(default=8, ge=1, description="images or volumes per step")
    optimiser: OneCycleConfig = Field(default=OneCycleConfig(), description="optimiser")
    balanced: bool = Field(
        default=True, description="weight classes by the inverse of their frequency"
    )
    variation: VariationConfig = Field(
        default=VariationConfig(), description="random changes of the training images"
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="where to train; auto takes a GPU where there is one"
    )
    precision: Literal["float32", "bfloat16"] = Field(
        default="float32", description="number type of the forward pass"
    )
    seed: int = Field(default=0, ge=0, description="seed of weights, order and variation")
    checkpoint_every_epochs: int = Field(
        default=10, ge=1, description="epochs between states for resuming"
    )
