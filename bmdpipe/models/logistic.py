"""Logistic regression on pixels (seed 004): one weighted sum, made a probability by the sigmoid."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn


class LogisticRegression(nn.Module):
    """Logits `[n, outputs]` of images `[n, c, ...]` of a fixed size.

    Two classes have one weighted sum s and the logits -s/2 and s/2, whose softmax is the sigmoid of
    s; more classes have a sum each.
    """

    def __init__(self, size: Sequence[int], channels: int = 1, outputs: int = 2) -> None:
        super().__init__()
        self.weighted_sum = nn.Linear(channels * math.prod(size), 1 if outputs == 2 else outputs)

    def forward(self, x: Tensor) -> Tensor:
        sums: Tensor = self.weighted_sum(x.flatten(1))
        return torch.cat([-sums / 2, sums / 2], dim=1) if sums.shape[1] == 1 else sums
