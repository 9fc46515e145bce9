"""The pre-activation residual network of seed 000, which estimates one value of an image.

Source: He 2016b (normalisation and rectifier before each convolution, a clean shortcut); Kang 2023
(22 layers: one convolution, ten blocks of two, one dense layer; widths 16, 16, 32, 64, 128).
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

from bmdpipe.models.layers import BATCH_NORM, convolution, global_mean, scale_for_rectifiers


class PreactBlock(nn.Module):
    """Twice normalisation, rectifier and 3x3 convolution, beside a shortcut."""

    def __init__(self, inside: int, width: int, stride: int) -> None:
        super().__init__()
        self.bn1 = BATCH_NORM[2](inside)
        self.conv1 = convolution(2, inside, width, 3, stride=stride, padding=1)
        self.bn2 = BATCH_NORM[2](width)
        self.conv2 = convolution(2, width, width, 3, padding=1)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inside != width:
            self.shortcut = convolution(2, inside, width, 1, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        active = functional.relu(self.bn1(x))
        # Where the shortcut is projected it starts from the activation, else from the input.
        beside = x if isinstance(self.shortcut, nn.Identity) else self.shortcut(active)
        y = self.conv1(active)
        result: Tensor = self.conv2(functional.relu(self.bn2(y))) + beside
        return result


class PreactResNet(nn.Module):
    """`[n, c, h, w]` to one value each, `[n]`; each stage but the first halves the size."""

    def __init__(self, widths: Sequence[int], blocks: int = 2, channels: int = 1) -> None:
        super().__init__()
        layers: list[nn.Module] = [convolution(2, channels, widths[0], 3, padding=1)]
        inside = widths[0]
        for stage, width in enumerate(widths):
            for index in range(blocks):
                stride = 2 if stage and not index else 1
                layers.append(PreactBlock(inside, width, stride))
                inside = width
        layers += [BATCH_NORM[2](inside), nn.ReLU()]
        self.features = nn.Sequential(*layers)
        self.value = nn.Linear(inside, 1)
        scale_for_rectifiers(self)

    def forward(self, x: Tensor) -> Tensor:
        value: Tensor = self.value(global_mean(self.features(x)))
        return value.squeeze(1)
