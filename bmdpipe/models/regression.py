"""The regression head: CoAtNet's transformer blocks S3 and S4 on an encoder's representation.

Source: Dai et al. 2021, NeurIPS (relative attention with a learned bias that depends on the offset
alone, pre-normalisation, pooled shortcut with a 1x1 convolution where the size halves); Gu 2023
§3.3.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from bmdpipe.models.attention import RelativeAttention
from bmdpipe.models.generator import Generator

EXPANSION = 4


class TransformerBlock(nn.Module):
    """Attention and a feed-forward net, each beside a shortcut; `halved` pools 2x2 before it."""

    def __init__(
        self, in_dim: int, dim: int, head_dim: int, grid: tuple[int, int], halved: bool
    ) -> None:
        super().__init__()
        self.pool = nn.MaxPool2d(2, ceil_mode=True) if halved else nn.Identity()
        self.shortcut = nn.Conv2d(in_dim, dim, 1) if in_dim != dim or halved else nn.Identity()
        self.norm_attention = nn.LayerNorm(in_dim)
        self.attention = RelativeAttention(in_dim, dim, head_dim, grid)
        self.norm_feed = nn.LayerNorm(dim)
        self.feed = nn.Sequential(
            nn.Linear(dim, EXPANSION * dim), nn.GELU(), nn.Linear(EXPANSION * dim, dim)
        )

    def forward(self, x: Tensor) -> Tensor:
        normed = self.norm_attention(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        pooled = self.pool(normed)
        n, _, height, width = pooled.shape
        mixed = self.attention(pooled.flatten(2).transpose(1, 2))
        tokens = self.shortcut(self.pool(x)).flatten(2).transpose(1, 2) + mixed
        tokens = tokens + self.feed(self.norm_feed(tokens))
        return tokens.transpose(1, 2).reshape(n, -1, height, width)


class RegressionHead(nn.Module):
    """S3 and S4, mean over positions, one value per image `[n]`.

    `grid` is the representation's (height, width): the relative biases belong to it.
    """

    def __init__(
        self,
        in_channels: int,
        grid: tuple[int, int],
        dims: Sequence[int],
        depths: Sequence[int],
        head_dim: int,
    ) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        channels, (height, width) = in_channels, grid
        for dim, depth in zip(dims, depths, strict=True):
            height, width = (height + 1) // 2, (width + 1) // 2
            for index in range(depth):
                blocks.append(
                    TransformerBlock(channels, dim, head_dim, (height, width), halved=index == 0)
                )
                channels = dim
        self.blocks = nn.Sequential(*blocks)
        self.norm = nn.LayerNorm(channels)
        self.value = nn.Linear(channels, 1)

    def forward(self, representation: Tensor) -> Tensor:
        features = self.blocks(representation).mean(dim=(2, 3))
        value: Tensor = self.value(self.norm(features)).squeeze(1)
        return value


class RegressionNetwork(nn.Module):
    """An encoder taken over from a decomposition and a head: R = {M_E, M_R} (Gu 2023 §3)."""

    def __init__(self, generator: Generator, head: RegressionHead) -> None:
        super().__init__()
        self.encoder = generator.encoder
        self.head = head

    def forward(self, radiograph: Tensor) -> Tensor:
        value: Tensor = self.head(self.encoder(radiograph))
        return value
