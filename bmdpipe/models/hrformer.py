"""The HRFormer generator, the paper's own: HRNet's trunk with window attention on every branch.

Source: Yuan et al. 2021, NeurIPS; Gu 2023 §3.2.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from bmdpipe.models.decoder import upsampling_decoder
from bmdpipe.models.drop_path import rising_rates
from bmdpipe.models.generator import Generator
from bmdpipe.models.high_resolution import MULTIPLE, HighResolutionEncoder, conv_norm
from bmdpipe.models.normalisation import group_norm
from bmdpipe.models.window_attention import WindowBlock


def depthwise_halving(before: int, after: int, relu: bool) -> nn.Sequential:
    """Half the size by a depth-wise 3x3 convolution, then other channels by a 1x1."""
    return nn.Sequential(
        nn.Conv2d(before, before, 3, stride=2, padding=1, groups=before, bias=False),
        group_norm(before),
        conv_norm(before, after, 1, relu=relu),
    )


class HRFormerGenerator(Generator):
    """`channels` and `heads` are the branches'; `modules` the numbers of stages two to four."""

    multiple = MULTIPLE

    def __init__(
        self,
        stem: int,
        bottlenecks: int,
        channels: Sequence[int],
        heads: Sequence[int],
        modules: Sequence[int],
        blocks: int,
        expansion: int,
        drop_rate: float,
        decoder: Sequence[int],
    ) -> None:
        super().__init__()
        rates = rising_rates(drop_rate, sum(modules) * blocks)
        self.encoder = HighResolutionEncoder(
            stem,
            bottlenecks,
            channels,
            modules,
            blocks,
            block=lambda branch, width, depth: WindowBlock(
                width, heads[branch], expansion, rates[depth]
            ),
            halving=depthwise_halving,
        )
        self.representation_channels = sum(channels)
        self.decoder = upsampling_decoder(self.representation_channels, decoder)
