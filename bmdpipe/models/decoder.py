"""The decoder that all generators share: the upsampling part of pix2pixHD's global generator.

Source: Wang et al. 2018, CVPR; Gu 2023 §4.2.7 ("our decoder followed the upsampling parts of the
GlobalGenerator"). The output is linear instead of tanh: it is a density in units of the training
folds' largest, and a linear end does not compress the dense bone.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from bmdpipe.models.normalisation import decoder_norm


def doubling(channels: int, width: int) -> list[nn.Module]:
    """Twice the height and width, by a transposed convolution."""
    return [
        nn.ConvTranspose2d(channels, width, 3, stride=2, padding=1, output_padding=1, bias=False),
        decoder_norm(width),
        nn.ReLU(inplace=True),
    ]


def upsampling_decoder(channels: int, widths: Sequence[int]) -> nn.Sequential:
    """A representation's `channels` to an image, its size doubled once for each of `widths`."""
    layers: list[nn.Module] = []
    for width in widths:
        layers += doubling(channels, width)
        channels = width
    return nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(channels, 1, 7))
