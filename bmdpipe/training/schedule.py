"""Optimiser and learning rate: AdamW under cosine annealing with warm restarts."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import nn

from bmdpipe.core.config.training import OptimiserConfig


def adamw(
    parameters: Iterable[nn.Parameter], config: OptimiserConfig, learning_rate: float | None = None
) -> torch.optim.AdamW:
    """AdamW with the configured learning rate, or another one.

    Fused: one pass over all weights in place of one for each of hundreds of small tensors, which is
    a tenth of a step of HRNet's and HRFormer's generators. Source: Loshchilov 2019.
    """
    return torch.optim.AdamW(
        parameters,
        lr=config.learning_rate if learning_rate is None else learning_rate,
        betas=config.betas,
        weight_decay=config.weight_decay,
        fused=True,
    )


def rate_factor(epoch: float, step: int, n_epochs: int, config: OptimiserConfig) -> float:
    """What the initial learning rate is multiplied by, at a fractional `epoch`.

    It falls along half a cosine from 1 to 0 within each cycle, the next of which is `cycle_factor`
    times as long; the first `warmup_steps` rise linearly. A function of the time alone, so that a
    resumed training has nothing to remember. Source: Loshchilov 2017.
    """
    length = float(config.first_cycle_epochs or n_epochs)
    start = 0.0
    while epoch >= start + length:
        start += length
        length *= config.cycle_factor
    cosine = (1 + math.cos(math.pi * (epoch - start) / length)) / 2
    warm = min(1.0, (step + 1) / config.warmup_steps) if config.warmup_steps else 1.0
    return cosine * warm


def set_rate(optimiser: torch.optim.Optimizer, learning_rate: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = learning_rate


def step(
    optimiser: torch.optim.Optimizer, loss: torch.Tensor, clip_norm: float | None = None
) -> None:
    """Gradients of the loss, clipped if asked for, and one step."""
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    if clip_norm is not None:
        nn.utils.clip_grad_norm_(
            [p for group in optimiser.param_groups for p in group["params"]], clip_norm
        )
    optimiser.step()
