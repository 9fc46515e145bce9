"""Self-attention over a grid with a learned bias for each offset between two positions.

Source: Dai et al. 2021, NeurIPS (CoAtNet: the bias does not depend on the input); Liu et al. 2021,
ICCV (the same, in windows).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class RelativeAttention(nn.Module):
    """Self-attention over an `h x w` grid whose logits get a bias per head and offset.

    Takes tokens `[n, h * w, in_dim]` to `[n, h * w, dim]`.
    """

    def __init__(self, in_dim: int, dim: int, head_dim: int, grid: tuple[int, int]) -> None:
        super().__init__()
        self.heads, self.head_dim, self.grid = dim // head_dim, head_dim, grid
        self.qkv = nn.Linear(in_dim, 3 * dim)
        self.out = nn.Linear(dim, dim)
        height, width = grid
        self.bias = nn.Parameter(torch.zeros(self.heads, (2 * height - 1) * (2 * width - 1)))
        nn.init.trunc_normal_(self.bias, std=0.02)
        y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        y, x = y.reshape(-1), x.reshape(-1)
        offset = (y[:, None] - y[None, :] + height - 1) * (2 * width - 1)
        self.offset: Tensor
        self.register_buffer(
            "offset", offset + x[:, None] - x[None, :] + width - 1, persistent=False
        )

    def forward(self, tokens: Tensor) -> Tensor:
        n, length, _ = tokens.shape
        qkv = self.qkv(tokens).reshape(n, length, 3, self.heads, self.head_dim)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        bias = self.bias[:, self.offset].to(q.dtype)
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=bias[None])
        result: Tensor = self.out(mixed.transpose(1, 2).reshape(n, length, -1))
        return result
