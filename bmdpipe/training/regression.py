"""Stage three and the baseline: a network learns to turn an image into BMD.

Source: Gu 2023 §3.3, eq. 9 to 11.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import torch
from torch import Tensor, nn

from bmdpipe.core.config.pairs import AugmentationConfig
from bmdpipe.core.config.training import OptimiserConfig, RegressionConfig
from bmdpipe.core.epochs import Frame, Row
from bmdpipe.models.projection_regression import ProjectionRegression
from bmdpipe.models.regression import RegressionNetwork
from bmdpipe.pairs.augment import apply_geometry, apply_intensity, draw, is_active
from bmdpipe.pairs.mapped import ImageStack, in_parts
from bmdpipe.pairs.normalise import ImageScale, ValueScale
from bmdpipe.training.data import ValuePairs, on_device
from bmdpipe.training.fit import Losses, fit
from bmdpipe.training.loop import place
from bmdpipe.training.losses import sample_weights, weighted_l1_loss


def train_stage_three(
    network: RegressionNetwork,
    data: ValuePairs,
    scale: ImageScale,
    value_scale: ValueScale,
    tune_encoder: bool,
    config: RegressionConfig,
    augmentation: AugmentationConfig,
    frame: Frame,
) -> list[Row]:
    """Train the head on the fixed encoder, then (if wanted) both; in place, returns the history."""
    network.encoder.requires_grad_(False)
    history = train_regression(
        network,
        data,
        scale,
        value_scale,
        config.frozen_epochs,
        config.batch_size,
        config.optimiser,
        augmentation,
        replace(frame, name=f"{frame.name}_frozen"),
    )
    network.encoder.requires_grad_(True)
    if not tune_encoder:
        return history
    tuned = train_regression(
        network,
        data,
        scale,
        value_scale,
        config.tuned_epochs,
        config.batch_size,
        config.optimiser.model_copy(update={"learning_rate": config.tuned_learning_rate}),
        augmentation,
        replace(frame, name=f"{frame.name}_tuned"),
    )
    return history + [{**row, "epoch": row["epoch"] + len(history)} for row in tuned]


def train_on_projection(
    network: ProjectionRegression,
    data: ValuePairs,
    scale: ImageScale,
    value_scale: ValueScale,
    config: RegressionConfig,
    augmentation: AugmentationConfig,
    frame: Frame,
) -> list[Row]:
    """Train a head that starts from the projection's reading; in place, returns the history."""
    return train_regression(
        network,
        data,
        scale,
        value_scale,
        config.frozen_epochs,
        config.batch_size,
        config.optimiser.model_copy(update={"learning_rate": config.projection_learning_rate}),
        augmentation,
        frame,
    )


def train_regression(
    network: nn.Module,
    data: ValuePairs,
    scale: ImageScale,
    value_scale: ValueScale,
    n_epochs: int,
    batch_size: int,
    optimiser_config: OptimiserConfig,
    augmentation: AugmentationConfig,
    frame: Frame,
) -> list[Row]:
    """Train the parameters that want gradients, in place, by the weighted L1 loss.

    Raises FloatingPointError if the loss is no longer finite.
    """
    place(network, frame.device)
    weights = sample_weights(data.values).to(frame.device)
    values = value_scale.value_in(data.values).to(frame.device)
    augments = is_active(augmentation)

    def losses_of(chosen: Tensor, random: torch.Generator) -> Losses:
        images = data.batch(chosen, frame.device)
        if augments:
            drawn = draw(len(chosen), augmentation, random)
            images = apply_intensity(apply_geometry(images, drawn), drawn)
        with frame.precision():
            predicted = network(scale.radiograph_in(images)).float()
        loss = weighted_l1_loss(predicted, values[chosen], weights[chosen])
        error = (predicted - values[chosen]).abs().mean() * value_scale.sd
        return {"weighted_l1": loss, "mae": error}

    return fit(network, data.cases, losses_of, n_epochs, batch_size, optimiser_config, frame)


def predict_images(
    network: Callable[[Tensor], Tensor],
    images: ImageStack,
    device: torch.device,
    batch_size: int = 8,
) -> Tensor:
    """A network's output for a stack of images `[n, h, w]`, on the CPU, without gradients."""
    parts = (on_device(part[:, None], device) for part in in_parts(images, batch_size))
    return outputs(network, parts)


def outputs(network: Callable[[Tensor], Tensor], parts: Iterable[Tensor]) -> Tensor:
    """A network's outputs for batches on its device, on the CPU, without gradients."""
    with torch.inference_mode():
        return torch.cat([network(part).float().cpu() for part in parts])
