"""HRFormer's block: attention within small windows, then a convolution that lets them meet.

Source: Yuan et al. 2021, NeurIPS (7x7 windows, 3x3 depth-wise convolution in the feed-forward net);
group in place of batch normalisation (Gu 2023 §4.2.7).
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from bmdpipe.models.attention import RelativeAttention
from bmdpipe.models.drop_path import DropPath
from bmdpipe.models.normalisation import group_norm

WINDOW = 7
LAYER_NORM_EPSILON = 1e-6


class WindowAttention(nn.Module):
    """Self-attention within each window of `[n, h, w, c]`.

    Where windows do not fill the image exactly, zeros are laid around it on all sides; as in the
    original they are seen as positions like others.
    """

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.attention = RelativeAttention(channels, channels, channels // heads, (WINDOW, WINDOW))

    def forward(self, x: Tensor) -> Tensor:
        n, height, width, channels = x.shape
        below, right = -height % WINDOW, -width % WINDOW
        top, left = below // 2, right // 2
        x = functional.pad(x, (0, 0, left, right - left, top, below - top))
        rows, columns = x.shape[1] // WINDOW, x.shape[2] // WINDOW
        windows = x.reshape(n, rows, WINDOW, columns, WINDOW, channels).transpose(2, 3)
        tokens = self.attention(windows.reshape(-1, WINDOW * WINDOW, channels))
        windows = tokens.reshape(n, rows, columns, WINDOW, WINDOW, channels).transpose(2, 3)
        whole = windows.reshape(n, rows * WINDOW, columns * WINDOW, channels)
        return whole[:, top : top + height, left : left + width]


def convolutional_feed_forward(channels: int, expansion: int) -> nn.Sequential:
    """1x1, depth-wise 3x3, 1x1 convolution, each normalised and through GELU."""
    wide = expansion * channels
    return nn.Sequential(
        nn.Conv2d(channels, wide, 1),
        group_norm(wide),
        nn.GELU(),
        nn.Conv2d(wide, wide, 3, padding=1, groups=wide),
        group_norm(wide),
        nn.GELU(),
        nn.Conv2d(wide, channels, 1),
        group_norm(channels),
        nn.GELU(),
    )


class WindowBlock(nn.Module):
    """Window attention and a feed-forward net, each beside the identity, on `[n, c, h, w]`."""

    def __init__(self, channels: int, heads: int, expansion: int, drop_rate: float) -> None:
        super().__init__()
        self.norm_attention = nn.LayerNorm(channels, eps=LAYER_NORM_EPSILON)
        self.attention = WindowAttention(channels, heads)
        self.norm_feed = nn.LayerNorm(channels, eps=LAYER_NORM_EPSILON)
        self.feed = convolutional_feed_forward(channels, expansion)
        self.drop = DropPath(drop_rate)

    def forward(self, x: Tensor) -> Tensor:
        x = x.permute(0, 2, 3, 1)
        x = x + self.drop(self.attention(self.norm_attention(x)))
        normed = self.norm_feed(x).permute(0, 3, 1, 2)
        return x.permute(0, 3, 1, 2) + self.drop(self.feed(normed))
