"""The bone-suppression networks of seed 001 (Rajaraman 2021): image in, image without bones out.

All work on `[n, 1, h, w]` of 0 to 1 and keep the size.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

FAINT = 0.1


def conv3(inside: int, outside: int) -> nn.Conv2d:
    return nn.Conv2d(inside, outside, 3, padding=1)


def _rectified(widths: Sequence[int]) -> list[nn.Module]:
    """3x3 convolutions with a rectifier after each."""
    layers: list[nn.Module] = []
    for inside, outside in pairwise(widths):
        layers += [conv3(inside, outside), nn.ReLU(inplace=True)]
    return layers


class AutoencoderBs(nn.Module):
    """AE-BS: a denoising autoencoder of mirrored halves, whose noise are the bones; the size is
    halved twice, so height and width must be multiples of 4."""

    def __init__(self, filters: Sequence[int]) -> None:
        super().__init__()
        first, second, third = filters
        pool, grow = nn.MaxPool2d(2), nn.Upsample(scale_factor=2, mode="nearest")
        self.layers = nn.Sequential(
            *_rectified([1, first]), pool,
            *_rectified([first, second]), pool,
            *_rectified([second, third, third]), grow,
            *_rectified([third, second]), grow,
            *_rectified([second, first]),
            conv3(first, 1), nn.Sigmoid(),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """Raises ValueError if a side is not a multiple of 4."""
        height, width = x.shape[-2:]
        if height % 4 or width % 4:
            raise ValueError(f"{width} x {height} is not a multiple of 4")
        result: Tensor = self.layers(x)
        return result


class ConvNetBs(nn.Module):
    """ConvNet-BS: convolutions one after the other; the last has one filter and a sigmoid. The L1
    penalty on its weights is the loss's."""

    def __init__(self, filters: Sequence[int]) -> None:
        super().__init__()
        self.layers = nn.Sequential(*_rectified([1, *filters]), conv3(filters[-1], 1), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.layers(x)
        return result


class ResidualBs(nn.Module):
    """RL-BS: what is learnt is the residual, the bones, which is taken from the image."""

    def __init__(self, filters: Sequence[int]) -> None:
        super().__init__()
        self.bones = nn.Sequential(*_rectified([1, *filters]), conv3(filters[-1], 1))

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = x - self.bones(x)
        return result


class ScaledBlock(nn.Module):
    """Two convolutions with one rectifier between, scaled, beside a shortcut: no batch
    normalisation, no rectifier outside (EDSR, Lim 2017)."""

    def __init__(self, filters: int, scale: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(*_rectified([filters, filters]), conv3(filters, filters))
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        return x + self.scale * self.layers(x)


class ResNetBs(nn.Module):
    """ResNet-BS: residual blocks under one long shortcut. `from_input` adds the image itself to the
    result (own choice), so that a small network need not spend its filters on carrying it."""

    def __init__(self, filters: int, blocks: int, scale: float, from_input: bool = False) -> None:
        super().__init__()
        self.from_input = from_input
        self.first = conv3(1, filters)
        self.blocks = nn.Sequential(
            *[ScaledBlock(filters, scale) for _ in range(blocks)], conv3(filters, filters)
        )
        self.last = conv3(filters, 1)
        if from_input:
            # Training starts near the image as it is.
            self.last.weight.data.mul_(FAINT)

    def forward(self, x: Tensor) -> Tensor:
        first = self.first(x)
        result: Tensor = self.last(first + self.blocks(first))
        return x + result if self.from_input else result
