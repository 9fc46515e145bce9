"""The conventional baseline: a VGG that regresses a value from a region of the radiograph.

Source: Hsieh et al. 2021, Nat Commun (VGG16 on the region); group normalisation and global average
pooling in place of batch normalisation and the three dense layers.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from bmdpipe.models.normalisation import group_norm


class VggRegressor(nn.Module):
    """Stages of 3x3 convolutions, each followed by 2x2 pooling; one value per image `[n]`."""

    def __init__(self, stages: Sequence[Sequence[int]]) -> None:
        super().__init__()
        self.multiple = 2 ** len(stages)
        layers: list[nn.Module] = []
        channels = 1
        for stage in stages:
            for width in stage:
                layers += [
                    nn.Conv2d(channels, width, 3, padding=1, bias=False),
                    group_norm(width),
                    nn.ReLU(inplace=True),
                ]
                channels = width
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.value = nn.Linear(channels, 1)

    def forward(self, region: Tensor) -> Tensor:
        """Raises ValueError if the region's size is not a multiple of `multiple`."""
        height, width = region.shape[-2:]
        if height % self.multiple or width % self.multiple:
            raise ValueError(f"{width} x {height} is not a multiple of {self.multiple}")
        value: Tensor = self.value(self.features(region).mean(dim=(2, 3))).squeeze(1)
        return value
