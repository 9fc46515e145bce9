"""ResNet for images and volumes (He 2016): two 3x3 convolutions beside each shortcut.

Parameters are named as in timm and torchvision, so that weights that a user has fit ResNet18.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from bmdpipe.models.layers import (
    BATCH_NORM,
    MAX_POOL,
    convolution,
    global_mean,
    scale_for_rectifiers,
)


class BasicBlock(nn.Module):
    def __init__(self, dims: int, inside: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = convolution(dims, inside, width, 3, stride=stride, padding=1)
        self.bn1 = BATCH_NORM[dims](width)
        self.conv2 = convolution(dims, width, width, 3, padding=1)
        self.bn2 = BATCH_NORM[dims](width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or inside != width:
            self.downsample = nn.Sequential(
                convolution(dims, inside, width, 1, stride=stride), BATCH_NORM[dims](width)
            )

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        result: Tensor = self.relu(self.bn2(self.conv2(y)) + self.downsample(x))
        return result


class ResNet(nn.Module):
    """`widths` and `blocks` per stage, each but the first halving the size; `[n, c, ...]` to
    `[n, outputs]`. `stem_stride` 2 with pooling is ImageNet's stem, 1 keeps small images large."""

    def __init__(
        self,
        dims: int,
        widths: Sequence[int],
        blocks: Sequence[int],
        stem_kernel: int = 7,
        stem_stride: int = 2,
        channels: int = 1,
        outputs: int = 2,
    ) -> None:
        super().__init__()
        self.conv1 = convolution(
            dims, channels, widths[0], stem_kernel, stride=stem_stride, padding=stem_kernel // 2
        )
        self.bn1 = BATCH_NORM[dims](widths[0])
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = MAX_POOL[dims](3, stride=2, padding=1) if stem_stride > 1 else nn.Identity()
        inside = widths[0]
        for stage, (width, count) in enumerate(zip(widths, blocks, strict=True)):
            layers = []
            for index in range(count):
                stride = 2 if stage and not index else 1
                layers.append(BasicBlock(dims, inside, width, stride))
                inside = width
            self.add_module(f"layer{stage + 1}", nn.Sequential(*layers))
        self.stages = len(widths)
        self.fc = nn.Linear(inside, outputs)
        scale_for_rectifiers(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for stage in range(self.stages):
            x = self.get_submodule(f"layer{stage + 1}")(x)
        result: Tensor = self.fc(global_mean(x))
        return result
