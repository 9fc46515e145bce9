"""Stochastic depth: a residual branch is left out at random, for each image of a batch.

Source: Huang et al. 2016, ECCV.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class DropPath(nn.Module):
    """In training, a branch `[n, ...]` becomes zero with probability `rate`; the rest make up."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, branch: Tensor) -> Tensor:
        if not self.training or self.rate == 0:
            return branch
        kept = torch.empty(
            (len(branch),) + (1,) * (branch.ndim - 1), dtype=branch.dtype, device=branch.device
        ).bernoulli_(1 - self.rate)
        return branch * kept / (1 - self.rate)


def rising_rates(last: float, depth: int) -> list[float]:
    """One rate per block, from 0 for the first in equal steps to `last`."""
    return [last * index / max(depth - 1, 1) for index in range(depth)]
