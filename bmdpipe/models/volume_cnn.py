"""A plain convolutional network for volumes (seed 002): convolutions, pooling, evidence by place.

The seed names a 3D CNN and not its sizes; these are an own choice. Volumes stand in one space, so
what a map says weighs differently from place to place. The weighing is its own layer, `evidence`:
one map per class whose sum is the class's logit, which is what activation maps can weigh.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bmdpipe.models.layers import scale_for_rectifiers

FAINT = 1e-3
"""Deviation of the evidence's first weights: what no subject has moved should not show in maps."""
FLOOR = 0.03
"""Variance added to that of every place: without it places where heads hardly differ would weigh
as much as those where they do, and their noise with them."""


class VolumeCnn(nn.Module):
    """Stages of 3x3x3 convolutions with 2x2x2 max pooling between them; `[n, c, z, y, x]` to
    `[n, outputs]`.

    The last stage is not pooled but averaged over `cells` along each axis; each cell's mean over
    subjects is taken away, so that the evidence is of what differs.
    """

    def __init__(
        self,
        stages: Sequence[Sequence[int]],
        channels: int = 1,
        outputs: int = 2,
        dropout: float = 0.0,
        cells: int = 1,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for number, stage in enumerate(stages):
            if number:
                layers.append(nn.MaxPool3d(2))
            for width in stage:
                layers += [
                    nn.Conv3d(channels, width, 3, padding=1, bias=False),
                    nn.BatchNorm3d(width),
                    nn.ReLU(inplace=True),
                ]
                channels = width
        self.features = nn.Sequential(*layers)
        self.pool = nn.AdaptiveAvgPool3d(cells)
        self.norm = nn.BatchNorm1d(channels * cells**3, eps=FLOOR, affine=False)
        self.dropout = nn.Dropout(dropout)
        self.evidence = Evidence(channels, outputs, cells)
        scale_for_rectifiers(self)

    def forward(self, volume: Tensor) -> Tensor:
        pooled = self.pool(self.features(volume))
        differing = self.dropout(self.norm(pooled.flatten(1))).reshape(pooled.shape)
        logits: Tensor = self.evidence(differing).flatten(2).sum(dim=2) + self.evidence.bias
        return logits


class Evidence(nn.Module):
    """Each class's weighted sum over channels with weights of each cell's own: `[n, c, z, y, x]` to
    `[n, outputs, z, y, x]`. The bias is for the sum over cells."""

    def __init__(self, channels: int, outputs: int, cells: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(FAINT * torch.randn(outputs, channels, cells, cells, cells))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, maps: Tensor) -> Tensor:
        result: Tensor = (maps.unsqueeze(1) * self.weight).sum(dim=2)
        return result
