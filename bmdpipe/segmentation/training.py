"""Training of a fold's network on slices of annotated CTs."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from bmdpipe.core.config.segmentation import SegmentationConfig, SegmentationTraining
from bmdpipe.core.epochs import Frame, Row, run_epochs
from bmdpipe.core.errors import UsageError
from bmdpipe.segmentation.augmentation import apply, draw, repeated
from bmdpipe.segmentation.classes import CLASSES
from bmdpipe.segmentation.grid import window
from bmdpipe.segmentation.networks import Network, as_input, build
from bmdpipe.segmentation.slices import SliceSet

WARM_UP = 0.2
HISTORY_COLUMNS = ("epoch", "loss", "learning_rate")


def train(
    data: SliceSet, config: SegmentationConfig, seed: int, device: torch.device, state: Path | None
) -> tuple[Network, list[Row]]:
    """Train a network on the slices; returns it with a row of `HISTORY_COLUMNS` per epoch.

    After each epoch all that the next one depends on goes to the folder `state`, and training
    starts from there if it is not empty. Raises UsageError naming the batch whose loss is not a
    number.
    """
    training = config.training
    net = build(config.network, len(CLASSES), seed).to(device)
    optimiser = torch.optim.AdamW(
        net.parameters(), lr=training.learning_rate, weight_decay=training.weight_decay
    )
    frame = Frame("segmentation", state, device, autocast=False, seed=seed, checkpoint_every=1)
    count = min(training.slices_per_epoch or len(data), len(data))
    history = run_epochs(
        frame,
        training.epochs,
        {"network": net},
        {"network": optimiser},
        lambda epoch, random: _epoch(net, optimiser, data, config, epoch, random),
        count,
    )
    return net, [{**row, "epoch": row["epoch"] + 1} for row in history]


def _epoch(
    net: Network,
    optimiser: torch.optim.Optimizer,
    data: SliceSet,
    config: SegmentationConfig,
    epoch: int,
    random: torch.Generator,
) -> Row:
    training, network = config.training, config.network
    device = next(net.parameters()).device
    # Chance that shapes the data stays on the CPU, so that a GPU sees the same slices.
    dropout = torch.Generator(device).manual_seed(random.initial_seed())
    net.train()
    order = _draw_slices(data, training, random)
    batches = order.split(training.batch_size)
    total = 0.0
    for step, chosen in enumerate(batches):
        rate = learning_rate((epoch + step / len(batches)) / training.epochs, training)
        for group in optimiser.param_groups:
            group["lr"] = rate
        index = data.slices_of(chosen)
        own, true = data.hu[index], data.shares[index]
        shape = (len(chosen), *own.shape[1:])
        change = draw(training.augmentation, shape, network.pixel_mm, random)
        hu, shares = apply(own, true, repeated(change, data.together))
        slices = as_input(network, window(hu, network.window_hu)).to(device)
        if data.together > 1:
            shares = shares.unflatten(0, (len(chosen), data.together)).movedim(1, 2)
        logits = net(slices, dropout)
        loss = segmentation_loss(logits, shares.to(device) / 255, training.dice_weight)
        if not math.isfinite(loss.item()):
            raise UsageError(
                f"the loss is {loss.item()} in epoch {epoch + 1}, step {step + 1}; the batch is "
                f"{', '.join(data.names[int(i)] for i in data.starts[chosen])}: look at these "
                "slices, or lower segmentation.training.learning_rate"
            )
        optimiser.zero_grad()
        loss.backward()
        if training.clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(net.parameters(), training.clip_norm)
        optimiser.step()
        total += loss.item() * len(chosen)
    return {"loss": total / len(order), "learning_rate": rate}


def _draw_slices(
    data: SliceSet, training: SegmentationTraining, generator: torch.Generator
) -> Tensor:
    """An epoch's draws, none twice."""
    weights = torch.where(data.joint(), training.joint_weight, 1.0)
    count = min(training.slices_per_epoch or len(data), len(data))
    return torch.multinomial(weights, count, replacement=False, generator=generator)


def segmentation_loss(logits: Tensor, shares: Tensor, dice_weight: float) -> Tensor:
    """Cross entropy plus weighted soft Dice loss over the batch, background left out of Dice.

    `shares` `[n, classes - 1, ..., y, x]` are the true shares of the classes but background. Dice
    is written so that it is best where prediction and share agree, also at shares that are not 0
    or 1.
    Source: Wang 2023, Dice semimetric losses.
    """
    truth = torch.cat([1 - shares.sum(dim=1, keepdim=True), shares], dim=1)
    entropy = functional.cross_entropy(logits, truth)
    if dice_weight == 0:
        return entropy
    found = logits.softmax(dim=1)[:, 1:]
    axes = [axis for axis in range(found.dim()) if axis != 1]
    total = found.sum(axes) + shares.sum(axes)
    apart = (found - shares).abs().sum(axes)
    dice = (total - apart + 1) / (total + 1)
    return entropy + dice_weight * (1 - dice.mean())


def learning_rate(done: float, training: SegmentationTraining) -> float:
    """One-cycle schedule: a linear rise over the first fifth, then half a cosine down to 1 %."""
    highest = training.learning_rate
    if done < WARM_UP:
        return highest * (0.1 + 0.9 * done / WARM_UP)
    turn = (done - WARM_UP) / (1 - WARM_UP)
    return highest * (0.01 + 0.99 * (1 + math.cos(math.pi * turn)) / 2)
