"""The Bayesian U-Net: a U-Net whose dropout stays on in prediction, in 2D or in 3D.

Source: Hiasa 2020; dropout as an approximate posterior after Gal and Ghahramani 2016; the same with
3D convolutions after Cicek 2016.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn


def mc_dropout(features: Tensor, share: float, generator: torch.Generator | None) -> Tensor:
    """Drop a random `share` of the values and scale up the rest; without a generator, keep all.

    A byte of chance decides on each value, so `share` is met to 1/256: drawing eight of them at
    once takes a tenth of the time that a float for each does.
    """
    if generator is None or share == 0:
        return features
    dropped = round(share * 256)
    words = torch.empty(-(-features.numel() // 8), dtype=torch.int64, device=features.device)
    chance = words.random_(-(2**63), None, generator=generator).view(torch.uint8)
    keep = (chance[: features.numel()] >= dropped).to(features.dtype)
    # In the memory order of the features, which may be channels last.
    mask = keep.mul_(256 / (256 - dropped)).as_strided(features.shape, features.stride())
    return features * mask


class Block(nn.Module):
    """Twice 3x3 (3x3x3) convolution, batch normalisation and ReLU, then dropout."""

    def __init__(self, inputs: int, outputs: int, dropout: float, axes: int) -> None:
        super().__init__()
        self.dropout = dropout
        convolution, normalisation = _CONVOLUTION[axes], _NORMALISATION[axes]
        self.layers = nn.Sequential(
            convolution(inputs, outputs, 3, padding=1, bias=False),
            normalisation(outputs),
            nn.ReLU(inplace=True),
            convolution(outputs, outputs, 3, padding=1, bias=False),
            normalisation(outputs),
            nn.ReLU(inplace=True),
        )

    def forward(self, features: Tensor, generator: torch.Generator | None) -> Tensor:
        return mc_dropout(self.layers(features), self.dropout, generator)


class UNet(nn.Module):
    """Maps windowed slices `[n, 1, y, x]` to class logits `[n, classes, y, x]`; with three axes,
    slabs `[n, 1, z, y, x]` likewise.

    Filters double from level to level; every size must be a multiple of 2^(depth-1).
    """

    def __init__(
        self, classes: int, depth: int, base_filters: int, dropout: float, axes: int = 2
    ) -> None:
        super().__init__()
        widths = [base_filters * 2**level for level in range(depth)]
        pairs = list(pairwise(widths))
        enlarge = _ENLARGEMENT[axes]
        self.first = Block(1, widths[0], dropout, axes)
        self.down = nn.ModuleList(Block(a, b, dropout, axes) for a, b in pairs)
        self.enlarge = nn.ModuleList(enlarge(b, a, 2, stride=2) for a, b in pairs)
        self.up = nn.ModuleList(Block(2 * a, a, dropout, axes) for a, _ in pairs)
        self.head = _CONVOLUTION[axes](widths[0], classes, 1)
        self.pool = nn.MaxPool2d(2) if axes == 2 else nn.MaxPool3d(2)

    def forward(self, slices: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Logits; with a generator, dropout acts (in training and in each Monte-Carlo pass)."""
        return self.finish(self.start(slices), generator)

    def start(self, slices: Tensor) -> Tensor:
        """What lies before all dropout, and which the Monte-Carlo passes share."""
        return self.first.layers(slices)

    def finish(self, start: Tensor, generator: torch.Generator | None) -> Tensor:
        """Logits from what `start` gives."""
        skips = [mc_dropout(start, self.first.dropout, generator)]
        for block in self.down:
            skips.append(block(self.pool(skips[-1]), generator))
        features = skips.pop()
        for enlarge, block in zip(reversed(self.enlarge), reversed(self.up), strict=True):
            features = torch.cat([skips.pop(), enlarge(features)], dim=1)
            features = block(features, generator)
        return self.head(features)


_CONVOLUTION: dict[int, type[nn.Conv2d | nn.Conv3d]] = {2: nn.Conv2d, 3: nn.Conv3d}
_NORMALISATION: dict[int, type[nn.BatchNorm2d | nn.BatchNorm3d]] = {
    2: nn.BatchNorm2d,
    3: nn.BatchNorm3d,
}
_ENLARGEMENT: dict[int, type[nn.ConvTranspose2d | nn.ConvTranspose3d]] = {
    2: nn.ConvTranspose2d,
    3: nn.ConvTranspose3d,
}
