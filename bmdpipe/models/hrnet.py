"""The HRNet generator: HRNetV2 with group normalisation, residual blocks on every branch.

Source: Wang et al. 2021, IEEE TPAMI.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

from bmdpipe.models.decoder import upsampling_decoder
from bmdpipe.models.generator import Generator
from bmdpipe.models.high_resolution import MULTIPLE, HighResolutionEncoder, conv_norm


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside the identity (He et al. 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv_norm(channels, channels, 3), conv_norm(channels, channels, 3, relu=False)
        )

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(x + self.body(x))


class HRNetGenerator(Generator):
    """`channels` are the branches'; `modules` the numbers of stages two to four."""

    multiple = MULTIPLE

    def __init__(
        self,
        stem: int,
        bottlenecks: int,
        channels: Sequence[int],
        modules: Sequence[int],
        blocks: int,
        decoder: Sequence[int],
    ) -> None:
        super().__init__()
        self.encoder = HighResolutionEncoder(
            stem,
            bottlenecks,
            channels,
            modules,
            blocks,
            block=lambda _branch, width, _depth: BasicBlock(width),
            halving=lambda before, after, relu: conv_norm(before, after, 3, stride=2, relu=relu),
        )
        self.representation_channels = sum(channels)
        self.decoder = upsampling_decoder(self.representation_channels, decoder)
