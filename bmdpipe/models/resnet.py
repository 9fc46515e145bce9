"""The ResNet generator: the global generator of pix2pixHD with group normalisation.

Source: Wang et al. 2018, CVPR (7x7 in, strided convolutions down, residual blocks, transposed
convolutions up, 7x7 out). The encoder ends at a quarter of the image's size, as every other
backbone's does, so that the regression head finds the resolution that Gu 2023 §3.3 gives it.
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from bmdpipe.models.decoder import doubling, upsampling_decoder
from bmdpipe.models.generator import Generator
from bmdpipe.models.normalisation import group_norm

DOWNS_TO_A_QUARTER = 2


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3, bias=False),
            group_norm(channels),
            nn.ReLU(inplace=True),
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3, bias=False),
            group_norm(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class ResNetGenerator(Generator):
    """`filters` channels after the first layer, doubled by each of `downs` halvings of the size.

    Raises ValueError if there are too few halvings to reach a quarter of the size.
    """

    def __init__(self, filters: int, blocks: int, downs: int) -> None:
        super().__init__()
        if downs < DOWNS_TO_A_QUARTER:
            raise ValueError(f"{downs} halvings do not reach a quarter of the image's size")
        self.multiple = 2**downs
        widths = [filters * 2**level for level in range(downs + 1)]
        layers: list[nn.Module] = [
            nn.ReflectionPad2d(3),
            nn.Conv2d(1, filters, 7, bias=False),
            group_norm(filters),
            nn.ReLU(inplace=True),
        ]
        for narrow, wide in pairwise(widths):
            layers += [
                nn.Conv2d(narrow, wide, 3, stride=2, padding=1, bias=False),
                group_norm(wide),
                nn.ReLU(inplace=True),
            ]
        layers += [ResidualBlock(widths[-1]) for _ in range(blocks)]
        for level in range(downs, DOWNS_TO_A_QUARTER, -1):
            layers += doubling(widths[level], widths[level - 1])
        self.representation_channels = widths[DOWNS_TO_A_QUARTER]
        self.encoder = nn.Sequential(*layers)
        self.decoder = upsampling_decoder(
            self.representation_channels, widths[DOWNS_TO_A_QUARTER - 1 :: -1]
        )
