"""Stages one and two: a generator learns to turn a radiograph into a density projection.

Source: Gu 2023 §3.2, eq. 7 and 8. One step takes the generator forward once and the discriminators
once on the true and once on the made projection, then steps the generator and then the
discriminators.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from bmdpipe.core.config.pairs import AugmentationConfig
from bmdpipe.core.config.training import DecompositionConfig
from bmdpipe.core.epochs import Frame, Row, run_epochs
from bmdpipe.models.discriminator import MultiScaleDiscriminator
from bmdpipe.models.generator import Generator
from bmdpipe.pairs.augment import apply_geometry, apply_intensity, draw, is_active
from bmdpipe.pairs.normalise import ImageScale
from bmdpipe.training.data import ImagePairs
from bmdpipe.training.loop import Mean, batches, check_finite, place
from bmdpipe.training.losses import (
    adversarial_loss,
    feature_matching_loss,
    gradient_correlation_loss,
)
from bmdpipe.training.schedule import adamw, rate_factor, set_rate, step


def train_decomposition(
    generator: Generator,
    discriminator: MultiScaleDiscriminator,
    data: ImagePairs,
    scale: ImageScale,
    n_epochs: int,
    config: DecompositionConfig,
    augmentation: AugmentationConfig,
    frame: Frame,
) -> list[Row]:
    """Train both networks in place, from whatever weights they have; returns the history.

    Raises FloatingPointError if a loss is no longer finite.
    """
    for network in (generator, discriminator):
        place(network, frame.device).train()
    made = adamw(generator.parameters(), config.optimiser)
    judged = adamw(discriminator.parameters(), config.optimiser, config.discriminator_learning_rate)
    steps = math.ceil(len(data) / config.batch_size)
    if config.max_steps is not None:
        n_epochs = min(n_epochs, math.ceil(config.max_steps / steps))
    augments = is_active(augmentation)

    def one_epoch(epoch: int, random: torch.Generator) -> Row:
        mean = Mean()
        for index, chosen in enumerate(batches(len(data), config.batch_size, random)):
            factor = rate_factor(
                epoch + index / steps, epoch * steps + index, n_epochs, config.optimiser
            )
            set_rate(made, factor * config.optimiser.learning_rate)
            set_rate(
                judged,
                factor * (config.discriminator_learning_rate or config.optimiser.learning_rate),
            )
            both = data.batch(chosen, frame.device)
            drawn = draw(len(chosen), augmentation, random) if augments else None
            if drawn is not None:
                both = apply_geometry(both, drawn)
            radiograph, true = both[:, :1], both[:, 1:]
            if drawn is not None:
                radiograph = apply_intensity(radiograph, drawn)
            radiograph, true = scale.radiograph_in(radiograph), scale.density_in(true)
            losses = adversarial_step(
                generator, discriminator, radiograph, true, made, judged, config, frame
            )
            names = [data.cases[i] for i in chosen.tolist()]
            for name, loss in losses.items():
                check_finite(loss, name, names)
            mean.add(len(chosen), **losses)
        return mean.row()

    return run_epochs(
        frame,
        n_epochs,
        {"generator": generator, "discriminator": discriminator},
        {"generator": made, "discriminator": judged},
        one_epoch,
        len(data),
    )


def adversarial_step(
    generator: Generator,
    discriminator: MultiScaleDiscriminator,
    radiograph: Tensor,
    true: Tensor,
    made: torch.optim.Optimizer,
    judged: torch.optim.Optimizer,
    config: DecompositionConfig,
    frame: Frame,
) -> dict[str, Tensor]:
    """Both networks learn from one batch, in the networks' units; returns the losses before it."""
    with frame.precision():
        fake = generator(radiograph)
    losses = {
        "l1": functional.l1_loss(fake.float(), true),
        "gc": gradient_correlation_loss(fake.float(), true),
    }
    total = config.weight_l1 * losses["l1"] + config.weight_gc * losses["gc"]
    if config.weight_adversarial == 0 and config.weight_fm == 0:
        step(made, total, config.optimiser.clip_norm)
        return losses

    # One graph of the discriminators on the made projection serves both sides: the generator's
    # gradient stops at the projection, the discriminators' at their weights.
    seen_fake = fake.detach().requires_grad_()
    with frame.precision():
        real = discriminator(radiograph, true)
        judged_fake = discriminator(radiograph, seen_fake)
    losses["discriminator"] = 0.5 * (
        adversarial_loss(real, True, config.adversarial)
        + adversarial_loss(judged_fake, False, config.adversarial)
    )
    losses["adversarial"] = adversarial_loss(judged_fake, True, config.adversarial)
    losses["fm"] = feature_matching_loss(judged_fake, real)
    (judgement,) = torch.autograd.grad(
        config.weight_adversarial * losses["adversarial"] + config.weight_fm * losses["fm"],
        seen_fake,
        retain_graph=True,
    )
    # The gradient of this sum at the made projection is the judgement itself.
    step(made, total + (fake * judgement).sum(), config.optimiser.clip_norm)
    step(judged, losses["discriminator"], config.optimiser.clip_norm)
    return losses
