"""Training on images and volumes with labels: classes, values or images to learn.

A study brings its network, its examples, an objective and the random changes; loop, epochs,
schedule, resuming and history are those of every training.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from bmdpipe.core.config.supervised import SupervisedConfig
from bmdpipe.core.epochs import Frame, Row
from bmdpipe.pairs.vary import draw, is_active
from bmdpipe.training.fit import Losses, fit
from bmdpipe.training.loop import place

Objective = Callable[[Tensor, Tensor], Losses]
"""Outputs and targets of a batch to named numbers; the first is what is minimised."""
Change = Callable[[Tensor, Tensor, torch.Generator], tuple[Tensor, Tensor]]
"""Inputs and targets of a batch to changed ones."""


@dataclass(frozen=True)
class Learnt:
    """Inputs `[n, c, ...]` and targets `[n, ...]` that a network is trained on, with the names of
    the cases for error messages."""

    cases: tuple[str, ...]
    inputs: Tensor
    targets: Tensor

    def __len__(self) -> int:
        return len(self.cases)


def train_supervised(
    network: nn.Module,
    data: Learnt,
    objective: Objective,
    config: SupervisedConfig,
    frame: Frame,
    change: Change | None = None,
) -> list[Row]:
    """Train the parameters that want gradients, in place; returns the history.

    Raises FloatingPointError if the loss is no longer finite.
    """
    inputs, targets = data.inputs.to(frame.device), data.targets.to(frame.device)
    _placed(network, inputs.ndim, frame.device)

    def losses_of(chosen: Tensor, random: torch.Generator) -> Losses:
        x, wanted = inputs[chosen], targets[chosen]
        if change is not None:
            x, wanted = change(x, wanted, random)
        with frame.precision():
            outputs = network(x)
        return objective(outputs.float(), wanted)

    return fit(
        network,
        data.cases,
        losses_of,
        config.epochs,
        config.batch_size,
        config.optimiser,
        frame,
        smallest_batch=min(2, len(data)),  # one image's statistics are no batch normalisation's
    )


def classification(weights: Tensor | None) -> Objective:
    """Cross-entropy, weighted by class, and the accuracy."""

    def objective(logits: Tensor, classes: Tensor) -> Losses:
        each = None if weights is None else weights.to(logits)
        right = (logits.argmax(dim=1) == classes).float().mean()
        loss = functional.cross_entropy(logits, classes, weight=each)
        return {"cross_entropy": loss, "accuracy": right}

    return objective


def class_weights(classes: Tensor, count: int) -> Tensor:
    """The inverse of each class's frequency, 1 where all are alike."""
    seen = torch.bincount(classes, minlength=count).clamp(min=1)
    return len(classes) / (count * seen.float())


def varied(config: SupervisedConfig) -> Change | None:
    """The configured random changes of inputs, targets untouched; None if none is configured."""
    if not is_active(config.variation):
        return None

    def change(x: Tensor, wanted: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
        drawn = draw(len(x), tuple(x.shape[2:]), config.variation, random)
        return drawn.applied(x), wanted

    return change


def _placed(network: nn.Module, axes: int, device: torch.device) -> nn.Module:
    return place(network, device) if axes == 4 else network.to(device)
