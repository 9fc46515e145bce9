"""The ResNet generator: the global generator of pix2pixHD with group normalisation.

Source: Wang et al. 2018, CVPR (7x7 in, strided convolutions down, residual blocks, transposed
convolutions up, 7x7 out). The output is linear instead of tanh: it is a density in units of the
training folds' largest, and a linear end does not compress the dense bone.
"""

from __future__ import annotations

from torch import Tensor, nn

from bmdpipe.models.generator import Generator
from bmdpipe.models.normalisation import decoder_norm, group_norm


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
    """`filters` channels after the first layer, doubled by each of `downs` halvings of the size."""

    def __init__(self, filters: int, blocks: int, downs: int) -> None:
        super().__init__()
        self.stride = self.multiple = 2**downs
        self.representation_channels = filters * 2**downs
        down: list[nn.Module] = [
            nn.ReflectionPad2d(3),
            nn.Conv2d(1, filters, 7, bias=False),
            group_norm(filters),
            nn.ReLU(inplace=True),
        ]
        for level in range(downs):
            channels = filters * 2**level
            down += [
                nn.Conv2d(channels, channels * 2, 3, stride=2, padding=1, bias=False),
                group_norm(channels * 2),
                nn.ReLU(inplace=True),
            ]
        down += [ResidualBlock(self.representation_channels) for _ in range(blocks)]
        self.encoder = nn.Sequential(*down)
        self.decoder = upsampling_decoder(self.representation_channels, downs)


def upsampling_decoder(channels: int, ups: int) -> nn.Sequential:
    """The second half of pix2pixHD's generator, on any representation (Gu 2023 §4.2.7)."""
    up: list[nn.Module] = []
    for level in range(ups):
        wide, narrow = channels // 2**level, channels // 2 ** (level + 1)
        up += [
            nn.ConvTranspose2d(wide, narrow, 3, stride=2, padding=1, output_padding=1, bias=False),
            decoder_norm(narrow),
            nn.ReLU(inplace=True),
        ]
    up += [nn.ReflectionPad2d(3), nn.Conv2d(channels // 2**ups, 1, 7)]
    return nn.Sequential(*up)
