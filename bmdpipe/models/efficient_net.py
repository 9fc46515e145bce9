"""EfficientNet-B0 (Tan 2019): inverted residuals with squeeze and excitation.

Parameters are named as in timm, so that weights that a user has fit.
"""

from __future__ import annotations

from torch import Tensor, nn

from bmdpipe.models.layers import global_mean

B0 = (
    # expansion, width, blocks, stride, kernel
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)
STEM, HEAD = 32, 1280
SQUEEZE = 4
"""Squeezed channels are a quarter of the block's input channels (Tan 2019)."""


class SqueezeExcite(nn.Module):
    def __init__(self, width: int, squeezed: int) -> None:
        super().__init__()
        self.conv_reduce = nn.Conv2d(width, squeezed, 1)
        self.act = nn.SiLU(inplace=True)
        self.conv_expand = nn.Conv2d(squeezed, width, 1)
        self.gate = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        gate = self.conv_expand(self.act(self.conv_reduce(x.mean(dim=(2, 3), keepdim=True))))
        return x * self.gate(gate)


class FirstBlock(nn.Module):
    """A block without expansion: depth-wise, then point-wise."""

    def __init__(self, inside: int, width: int, stride: int, kernel: int) -> None:
        super().__init__()
        self.conv_dw = _depthwise(inside, kernel, stride)
        self.bn1 = nn.BatchNorm2d(inside)
        self.se = SqueezeExcite(inside, inside // SQUEEZE)
        self.conv_pw = nn.Conv2d(inside, width, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.act = nn.SiLU(inplace=True)
        self.skips = stride == 1 and inside == width

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.bn2(self.conv_pw(self.se(self.act(self.bn1(self.conv_dw(x))))))
        return y + x if self.skips else y


class Block(nn.Module):
    """Point-wise out, depth-wise, point-wise back, with a shortcut where the sizes allow it."""

    def __init__(self, inside: int, width: int, stride: int, kernel: int, expansion: int) -> None:
        super().__init__()
        wide = inside * expansion
        self.conv_pw = nn.Conv2d(inside, wide, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(wide)
        self.conv_dw = _depthwise(wide, kernel, stride)
        self.bn2 = nn.BatchNorm2d(wide)
        self.se = SqueezeExcite(wide, inside // SQUEEZE)
        self.conv_pwl = nn.Conv2d(wide, width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(width)
        self.act = nn.SiLU(inplace=True)
        self.skips = stride == 1 and inside == width

    def forward(self, x: Tensor) -> Tensor:
        y = self.act(self.bn1(self.conv_pw(x)))
        y = self.se(self.act(self.bn2(self.conv_dw(y))))
        y = self.bn3(self.conv_pwl(y))
        result: Tensor = y + x if self.skips else y
        return result


class EfficientNet(nn.Module):
    """B0 for images `[n, c, h, w]`; `[n, outputs]`."""

    def __init__(self, channels: int = 1, outputs: int = 2, dropout: float = 0.2) -> None:
        super().__init__()
        self.conv_stem = nn.Conv2d(channels, STEM, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(STEM)
        self.act = nn.SiLU(inplace=True)
        stages, inside = [], STEM
        for expansion, width, count, stride, kernel in B0:
            blocks: list[nn.Module] = []
            for index in range(count):
                step = 1 if index else stride
                if expansion == 1:
                    blocks.append(FirstBlock(inside, width, step, kernel))
                else:
                    blocks.append(Block(inside, width, step, kernel, expansion))
                inside = width
            stages.append(nn.Sequential(*blocks))
        self.blocks = nn.Sequential(*stages)
        self.conv_head = nn.Conv2d(inside, HEAD, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(HEAD)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(HEAD, outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.blocks(self.act(self.bn1(self.conv_stem(x))))
        x = self.act(self.bn2(self.conv_head(x)))
        result: Tensor = self.classifier(self.dropout(global_mean(x)))
        return result


def _depthwise(width: int, kernel: int, stride: int) -> nn.Conv2d:
    return nn.Conv2d(
        width, width, kernel, stride=stride, padding=kernel // 2, groups=width, bias=False
    )
