"""Multi-scale PatchGAN discriminators that give their features away.

Source: Wang et al. 2018, CVPR (pix2pixHD): 4x4 convolutions, strides 2, 2, 2, 1, 1, LeakyReLU 0.2;
each further scale sees the image averaged over 3x3 at stride 2. Group normalisation as in Gu 2023
§4.2.7.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bmdpipe.models.normalisation import group_norm

KERNEL, PADDING, SLOPE, MOST_DOUBLINGS = 4, 2, 0.2, 3


class PatchDiscriminator(nn.Module):
    """One scale. `forward` gives each layer's features, the last being the scores per patch."""

    def __init__(self, in_channels: int, filters: int, layers: int) -> None:
        super().__init__()
        stages = [
            nn.Sequential(
                nn.Conv2d(in_channels, filters, KERNEL, stride=2, padding=PADDING),
                nn.LeakyReLU(SLOPE, inplace=True),
            )
        ]
        width = filters
        for level in range(1, layers + 1):
            wider = filters * 2 ** min(level, MOST_DOUBLINGS)
            stride = 2 if level < layers else 1
            stages.append(
                nn.Sequential(
                    nn.Conv2d(width, wider, KERNEL, stride=stride, padding=PADDING, bias=False),
                    group_norm(wider),
                    nn.LeakyReLU(SLOPE, inplace=True),
                )
            )
            width = wider
        stages.append(nn.Sequential(nn.Conv2d(width, 1, KERNEL, stride=1, padding=PADDING)))
        self.stages = nn.ModuleList(stages)

    def forward(self, pair: Tensor) -> list[Tensor]:
        features = []
        for stage in self.stages:
            pair = stage(pair)
            features.append(pair)
        return features


class MultiScaleDiscriminator(nn.Module):
    """The same discriminator, each with its own weights, at full, half, quarter ... resolution."""

    def __init__(self, scales: int, filters: int, layers: int) -> None:
        super().__init__()
        self.scales = nn.ModuleList(PatchDiscriminator(2, filters, layers) for _ in range(scales))
        self.pool = nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False)

    def forward(self, radiograph: Tensor, projection: Tensor) -> list[list[Tensor]]:
        """Features by scale and layer for radiographs and projections `[n, 1, h, w]`."""
        pair = torch.cat([radiograph, projection], dim=1)
        results = []
        for index, scale in enumerate(self.scales):
            if index:
                pair = self.pool(pair)
            results.append(scale(pair))
        return results
