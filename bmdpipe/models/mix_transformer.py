"""The Mix Transformer: a pyramid of four resolutions by attention over thinned-out positions.

Source: Xie et al. 2021, NeurIPS (SegFormer, MiT-B0 to B5).
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

from bmdpipe.models.drop_path import DropPath, rising_rates

REDUCTIONS = (8, 4, 2, 1)
EXPANSION = 4
LAYER_NORM_EPSILON = 1e-6


class PatchEmbedding(nn.Module):
    """Overlapping patches, each made a token: `[n, c, h, w]` to `[n, h / s, w / s, dim]`."""

    def __init__(self, channels: int, dim: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(channels, dim, kernel, stride=stride, padding=kernel // 2)
        self.norm = nn.LayerNorm(dim, eps=LAYER_NORM_EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        tokens: Tensor = self.norm(self.proj(x).permute(0, 2, 3, 1))
        return tokens


class ReducedAttention(nn.Module):
    """Self-attention over `[n, h, w, dim]` whose keys and values are `reduction` times coarser."""

    def __init__(self, dim: int, heads: int, reduction: int) -> None:
        super().__init__()
        self.heads = heads
        self.q = nn.Linear(dim, dim)
        self.kv = nn.Linear(dim, 2 * dim)
        self.out = nn.Linear(dim, dim)
        self.reduce = PatchReduction(dim, reduction) if reduction > 1 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        n, height, width, dim = x.shape
        q = self.q(x).reshape(n, -1, self.heads, dim // self.heads).transpose(1, 2)
        kv = self.kv(self.reduce(x)).reshape(n, -1, 2, self.heads, dim // self.heads)
        k, v = kv.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(q, k, v)
        result: Tensor = self.out(mixed.transpose(1, 2).reshape(n, height, width, dim))
        return result


class PatchReduction(nn.Module):
    """Patches of `size x size` positions, each made one, by a convolution."""

    def __init__(self, dim: int, size: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(dim, dim, size, stride=size)
        self.norm = nn.LayerNorm(dim, eps=LAYER_NORM_EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        coarse: Tensor = self.norm(self.conv(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1))
        return coarse


class MixFeedForward(nn.Module):
    """A feed-forward net with a depth-wise 3x3 convolution, which tells positions apart."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        wide = EXPANSION * dim
        self.widen = nn.Linear(dim, wide)
        self.depthwise = nn.Conv2d(wide, wide, 3, padding=1, groups=wide)
        self.narrow = nn.Linear(wide, dim)

    def forward(self, x: Tensor) -> Tensor:
        mixed = self.depthwise(self.widen(x).permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        result: Tensor = self.narrow(functional.gelu(mixed))
        return result


class MixBlock(nn.Module):
    """Attention and feed-forward net on `[n, h, w, dim]`, each beside the identity."""

    def __init__(self, dim: int, heads: int, reduction: int, drop_rate: float) -> None:
        super().__init__()
        self.norm_attention = nn.LayerNorm(dim, eps=LAYER_NORM_EPSILON)
        self.attention = ReducedAttention(dim, heads, reduction)
        self.norm_feed = nn.LayerNorm(dim, eps=LAYER_NORM_EPSILON)
        self.feed = MixFeedForward(dim)
        self.drop = DropPath(drop_rate)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.drop(self.attention(self.norm_attention(x)))
        return x + self.drop(self.feed(self.norm_feed(x)))


class MixTransformer(nn.Module):
    """Radiograph `[n, 1, h, w]` to four levels, of `dims` channels, at 1/4, 1/8, 1/16 and 1/32."""

    def __init__(
        self, dims: Sequence[int], depths: Sequence[int], heads: Sequence[int], drop_rate: float
    ) -> None:
        super().__init__()
        rates = iter(rising_rates(drop_rate, sum(depths)))
        self.levels = nn.ModuleList()
        channels = 1
        for level, (dim, depth, n_heads, reduction) in enumerate(
            zip(dims, depths, heads, REDUCTIONS, strict=True)
        ):
            kernel, stride = (3, 2) if level else (7, 4)
            blocks = (MixBlock(dim, n_heads, reduction, next(rates)) for _ in range(depth))
            self.levels.append(
                nn.Sequential(
                    PatchEmbedding(channels, dim, kernel, stride),
                    *blocks,
                    nn.LayerNorm(dim, eps=LAYER_NORM_EPSILON),
                )
            )
            channels = dim

    def forward(self, radiograph: Tensor) -> list[Tensor]:
        levels, x = [], radiograph
        for level in self.levels:
            x = level(x).permute(0, 3, 1, 2)
            levels.append(x)
        return levels
