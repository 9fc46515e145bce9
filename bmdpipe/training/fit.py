"""The loop of every training with one network and one optimiser: batches, learning rate, steps.

What a batch is and what is minimised on it are the caller's; epochs and resuming are `run_epochs`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from bmdpipe.core.config.training import OptimiserConfig
from bmdpipe.core.epochs import Frame, Row, run_epochs
from bmdpipe.training.loop import Mean, batches, check_finite
from bmdpipe.training.schedule import adamw, rate_factor, set_rate, step

Losses = Mapping[str, Tensor]
OfBatch = Callable[[Tensor, torch.Generator], Losses]
"""Indices of a batch, and the epoch's randomness, to named numbers; the first is minimised."""


def fit(
    network: nn.Module,
    cases: Sequence[str],
    losses_of: OfBatch,
    n_epochs: int,
    batch_size: int,
    config: OptimiserConfig,
    frame: Frame,
    smallest_batch: int = 1,
) -> list[Row]:
    """Train the parameters that want gradients of a network that is placed, in place; returns the
    history. `cases` name the images for error messages; batches below the smallest are left out.

    Raises FloatingPointError if the loss is no longer finite.
    """
    network.train()
    optimiser = adamw([p for p in network.parameters() if p.requires_grad], config)
    n = len(cases)
    steps = math.ceil(n / batch_size)

    def one_epoch(epoch: int, random: torch.Generator) -> Row:
        mean = Mean()
        for index, chosen in enumerate(batches(n, batch_size, random)):
            if len(chosen) < smallest_batch:
                continue
            factor = rate_factor(epoch + index / steps, epoch * steps + index, n_epochs, config)
            set_rate(optimiser, factor * config.learning_rate)
            losses = losses_of(chosen, random)
            name, loss = next(iter(losses.items()))
            check_finite(loss, name, [cases[i] for i in chosen.tolist()])
            step(optimiser, loss, config.clip_norm)
            mean.add(len(chosen), **losses)
        return mean.row()

    return run_epochs(frame, n_epochs, {"network": network}, {"network": optimiser}, one_epoch, n)
