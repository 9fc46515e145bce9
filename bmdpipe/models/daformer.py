"""The DAFormer generator: a Mix Transformer and DAFormer's fusion of its levels.

Source: Hoyer et al. 2022, CVPR (each level embedded, brought to the finest and concatenated, then
depth-wise separable atrous convolutions of several dilations). Group in place of batch
normalisation (Gu 2023 §4.2.7).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from bmdpipe.models.decoder import upsampling_decoder
from bmdpipe.models.generator import Generator
from bmdpipe.models.mix_transformer import MixTransformer
from bmdpipe.models.normalisation import group_norm

DILATIONS = (6, 12, 18)
"""Beside a 1x1 convolution."""
DROPOUT = 0.1


def _normed(*convolution: nn.Module, width: int) -> nn.Sequential:
    return nn.Sequential(*convolution, group_norm(width), nn.ReLU(inplace=True))


def _separable(channels: int, width: int, dilation: int) -> nn.Sequential:
    depthwise = nn.Conv2d(
        channels, channels, 3, padding=dilation, dilation=dilation, groups=channels, bias=False
    )
    return nn.Sequential(
        _normed(depthwise, width=channels),
        _normed(nn.Conv2d(channels, width, 1, bias=False), width=width),
    )


class ContextFusion(nn.Module):
    """Levels of `dims` channels to `[n, width, h / 4, w / 4]`."""

    def __init__(self, dims: Sequence[int], width: int) -> None:
        super().__init__()
        self.embeddings = nn.ModuleList(nn.Conv2d(dim, width, 1) for dim in dims)
        channels = width * len(dims)
        self.context = nn.ModuleList(
            [
                _normed(nn.Conv2d(channels, width, 1, bias=False), width=width),
                *(_separable(channels, width, dilation) for dilation in DILATIONS),
            ]
        )
        self.bottleneck = _normed(
            nn.Conv2d(width * len(self.context), width, 3, padding=1, bias=False), width=width
        )

    def forward(self, levels: list[Tensor]) -> Tensor:
        size = levels[0].shape[-2:]
        embedded = [
            functional.interpolate(embed(x), size, mode="bilinear", align_corners=False)
            for embed, x in zip(self.embeddings, levels, strict=True)
        ]
        stacked = torch.cat(embedded, dim=1)
        fused: Tensor = self.bottleneck(torch.cat([part(stacked) for part in self.context], dim=1))
        return fused


class DAFormerGenerator(Generator):
    """`dims`, `depths` and `heads` are the Mix Transformer's levels', `width` the fusion's."""

    multiple = 32

    def __init__(
        self,
        dims: Sequence[int],
        depths: Sequence[int],
        heads: Sequence[int],
        drop_rate: float,
        width: int,
        decoder: Sequence[int],
    ) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            MixTransformer(dims, depths, heads, drop_rate), ContextFusion(dims, width)
        )
        self.representation_channels = width
        self.decoder = nn.Sequential(nn.Dropout2d(DROPOUT), *upsampling_decoder(width, decoder))
