"""Layers for images and volumes alike, chosen by the number of spatial axes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

CONVOLUTION: dict[int, type[nn.Module]] = {2: nn.Conv2d, 3: nn.Conv3d}
BATCH_NORM: dict[int, type[nn.Module]] = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
MAX_POOL: dict[int, type[nn.Module]] = {2: nn.MaxPool2d, 3: nn.MaxPool3d}
AVERAGE_POOL: dict[int, type[nn.Module]] = {2: nn.AvgPool2d, 3: nn.AvgPool3d}


def convolution(dims: int, *sizes: int, **more: Any) -> nn.Module:
    """Without a bias unless asked for: a normalisation follows nearly always."""
    return CONVOLUTION[dims](*sizes, **{"bias": False, **more})


def global_mean(features: Tensor) -> Tensor:
    """The mean over all places of feature maps: `[n, c, ...]` to `[n, c]`."""
    return features.mean(dim=tuple(range(2, features.ndim)))


@torch.no_grad()
def scale_for_rectifiers(network: nn.Module) -> None:
    """Weights of convolutions from a normal distribution that keeps a signal's size through
    rectifiers (He 2015, fan out)."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Conv3d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
