"""DenseNet for images and volumes (Huang 2017): each layer sees all before it in its block.

Parameters are named as in timm and torchvision, so that weights that a user has fit DenseNet121.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from bmdpipe.models.layers import (
    AVERAGE_POOL,
    BATCH_NORM,
    MAX_POOL,
    convolution,
    global_mean,
    scale_for_rectifiers,
)


class DenseLayer(nn.Module):
    def __init__(self, dims: int, inside: int, growth: int, bottleneck: int) -> None:
        super().__init__()
        self.norm1 = BATCH_NORM[dims](inside)
        self.conv1 = convolution(dims, inside, bottleneck * growth, 1)
        self.norm2 = BATCH_NORM[dims](bottleneck * growth)
        self.conv2 = convolution(dims, bottleneck * growth, growth, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(functional.relu(self.norm1(x)))
        new: Tensor = self.conv2(functional.relu(self.norm2(y)))
        return torch.cat([x, new], dim=1)


class DenseNet(nn.Module):
    """`layers` per block; between blocks half the channels and half the size; `[n, c, ...]` to
    `[n, outputs]`."""

    def __init__(
        self,
        dims: int,
        layers: Sequence[int],
        growth: int,
        stem: int,
        stem_stride: int = 2,
        bottleneck: int = 4,
        channels: int = 1,
        outputs: int = 2,
    ) -> None:
        super().__init__()
        kernel = 7 if stem_stride > 1 else 3
        first = convolution(dims, channels, stem, kernel, stride=stem_stride, padding=kernel // 2)
        self.features = nn.Sequential()
        self.features.add_module("conv0", first)
        self.features.add_module("norm0", BATCH_NORM[dims](stem))
        self.features.add_module("relu0", nn.ReLU(inplace=True))
        if stem_stride > 1:
            self.features.add_module("pool0", MAX_POOL[dims](3, stride=2, padding=1))
        width = stem
        for number, count in enumerate(layers, start=1):
            block = nn.Sequential()
            for index in range(1, count + 1):
                block.add_module(f"denselayer{index}", DenseLayer(dims, width, growth, bottleneck))
                width += growth
            self.features.add_module(f"denseblock{number}", block)
            if number < len(layers):
                self.features.add_module(f"transition{number}", _transition(dims, width))
                width //= 2
        self.features.add_module("norm5", BATCH_NORM[dims](width))
        self.classifier = nn.Linear(width, outputs)
        scale_for_rectifiers(self)

    def forward(self, x: Tensor) -> Tensor:
        pooled = global_mean(functional.relu(self.features(x)))
        result: Tensor = self.classifier(pooled)
        return result


def _transition(dims: int, width: int) -> nn.Sequential:
    layers = nn.Sequential()
    layers.add_module("norm", BATCH_NORM[dims](width))
    layers.add_module("relu", nn.ReLU(inplace=True))
    layers.add_module("conv", convolution(dims, width, width // 2, 1))
    layers.add_module("pool", AVERAGE_POOL[dims](2))
    return layers
