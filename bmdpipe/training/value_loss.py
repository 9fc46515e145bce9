"""The density-balanced Huber loss of seed 000.

The seed's text names the loss and no formula. Here a training value's weight is the density of the
training values at it, estimated with a Gaussian kernel (Parzen 1962), to a negative power, as in
the re-weighting by label density of Yang 2021 (ICML, "Delving into deep imbalanced regression").
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from bmdpipe.core.config.ct_bmd import BalanceConfig
from bmdpipe.training.fit import Losses
from bmdpipe.training.supervised import Objective


def density_weights(values: Tensor, config: BalanceConfig) -> Tensor:
    """A weight for each of the values `[n]`, 1 in the mean; all 1 if the values do not differ."""
    values = values.double()
    sd = values.std(correction=0)
    if sd == 0:
        return torch.ones(len(values))
    apart = (values[:, None] - values[None, :]) / (config.bandwidth_sd * sd)
    density = torch.exp(-(apart**2) / 2).mean(dim=1)
    weights = density**-config.power
    return (weights / weights.mean()).float()


def balanced_huber(config: BalanceConfig, sd: float) -> Objective:
    """Of outputs `[n]` in standard deviations and targets `[n, 2]`, the value and its weight; `sd`
    turns the absolute error, told beside, into the value's own unit."""

    def objective(outputs: Tensor, wanted: Tensor) -> Losses:
        value, weight = wanted.unbind(dim=1)
        each = functional.huber_loss(outputs, value, reduction="none", delta=config.delta_sd)
        error = (outputs - value).abs().mean() * sd
        return {"balanced_huber": (weight * each).mean(), "mae": error}

    return objective
