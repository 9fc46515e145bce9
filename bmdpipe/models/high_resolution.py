"""The trunk that HRNet and HRFormer share: branches of several resolutions side by side.

A stem halves the image twice, stage one refines it, and each further stage adds a branch of half
the resolution. Within a stage all branches exchange what they found. At the end they are brought to
the first branch's resolution, a quarter of the image's, and concatenated.
Source: Wang et al. 2021, IEEE TPAMI (HRNet, HRNetV2's concatenation); Yuan et al. 2021, NeurIPS.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from bmdpipe.models.normalisation import group_norm

EXPANSION = 4
MULTIPLE = 32
"""Four branches, the coarsest at 1/32 of the image's size."""

Block = Callable[[int, int, int], nn.Module]
"""Builds the block of a branch's index, its channels, and the place among all blocks in depth."""
Halving = Callable[[int, int, bool], nn.Module]
"""Builds what halves the size, from the channels before and after, ending in ReLU or not."""


def conv_norm(
    channels: int, width: int, kernel: int, stride: int = 1, relu: bool = True
) -> nn.Sequential:
    """A convolution, group normalisation and, where wanted, ReLU."""
    layers: list[nn.Module] = [
        nn.Conv2d(channels, width, kernel, stride=stride, padding=kernel // 2, bias=False),
        group_norm(width),
    ]
    return nn.Sequential(*layers, nn.ReLU(inplace=True)) if relu else nn.Sequential(*layers)


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolution beside a shortcut, `EXPANSION * width` channels out.

    Source: He et al. 2016, CVPR.
    """

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        wide = EXPANSION * width
        self.body = nn.Sequential(
            conv_norm(channels, width, 1),
            conv_norm(width, width, 3),
            conv_norm(width, wide, 1, relu=False),
        )
        self.shortcut = (
            nn.Identity() if channels == wide else conv_norm(channels, wide, 1, relu=False)
        )

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.shortcut(x) + self.body(x))


class Exchange(nn.Module):
    """Each branch becomes the sum of all branches, each brought to its resolution."""

    def __init__(self, channels: Sequence[int], halving: Halving) -> None:
        super().__init__()
        self.targets = nn.ModuleList(
            nn.ModuleList(self._path(channels, i, j, halving) for j in range(len(channels)))
            for i in range(len(channels))
        )

    @staticmethod
    def _path(channels: Sequence[int], to: int, of: int, halving: Halving) -> nn.Module:
        if of == to:
            return nn.Identity()
        if of > to:
            return nn.Sequential(
                conv_norm(channels[of], channels[to], 1, relu=False),
                nn.Upsample(scale_factor=2 ** (of - to), mode="nearest"),
            )
        between = [halving(channels[of], channels[of], True) for _ in range(to - of - 1)]
        return nn.Sequential(*between, halving(channels[of], channels[to], False))

    def forward(self, branches: list[Tensor]) -> list[Tensor]:
        results = []
        for paths in self.targets:
            assert isinstance(paths, nn.ModuleList)
            total = paths[0](branches[0])
            for path, branch in zip(paths[1:], branches[1:], strict=True):
                total = total + path(branch)
            results.append(functional.relu(total))
        return results


class Module(nn.Module):
    """Blocks on every branch, then an exchange."""

    def __init__(
        self, channels: Sequence[int], blocks: int, first: int, block: Block, halving: Halving
    ) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(*(block(index, width, first + depth) for depth in range(blocks)))
            for index, width in enumerate(channels)
        )
        self.exchange = Exchange(channels, halving)

    def forward(self, branches: list[Tensor]) -> list[Tensor]:
        done = [own(branch) for own, branch in zip(self.branches, branches, strict=True)]
        exchanged: list[Tensor] = self.exchange(done)
        return exchanged


class Stage(nn.Module):
    """A new branch beside those of the stage before, then modules.

    Of stage one's single branch every branch is made; later branches go on as they are.
    """

    def __init__(
        self,
        before: Sequence[int],
        channels: Sequence[int],
        modules: int,
        blocks: int,
        first: int,
        block: Block,
        halving: Halving,
    ) -> None:
        super().__init__()
        self.entries = nn.ModuleList(
            nn.Identity() if old == new else conv_norm(old, new, 3)
            for old, new in zip(before, channels, strict=False)
        )
        self.entries.append(conv_norm(before[-1], channels[-1], 3, stride=2))
        self.modules_in_turn = nn.Sequential(
            *(
                Module(channels, blocks, first + index * blocks, block, halving)
                for index in range(modules)
            )
        )

    def forward(self, branches: list[Tensor]) -> list[Tensor]:
        entered = [
            entry(branch)
            for entry, branch in zip(self.entries, [*branches, branches[-1]], strict=True)
        ]
        result: list[Tensor] = self.modules_in_turn(entered)
        return result


class HighResolutionEncoder(nn.Module):
    """Radiograph `[n, 1, h, w]` to `[n, sum(channels), h / 4, w / 4]`.

    `modules` and `blocks` (per module and branch) are those of the stages after the first, which
    has `bottlenecks` of `stem` channels' width.
    """

    def __init__(
        self,
        stem: int,
        bottlenecks: int,
        channels: Sequence[int],
        modules: Sequence[int],
        blocks: int,
        block: Block,
        halving: Halving,
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            conv_norm(1, stem, 3, stride=2), conv_norm(stem, stem, 3, stride=2)
        )
        wide = EXPANSION * stem
        self.first = nn.Sequential(
            *(Bottleneck(wide if index else stem, stem) for index in range(bottlenecks))
        )
        stages, before, first = [], [wide], 0
        for count, branches in zip(modules, range(2, len(channels) + 1), strict=True):
            now = channels[:branches]
            stages.append(Stage(before, now, count, blocks, first, block, halving))
            before, first = list(now), first + count * blocks
        self.stages = nn.Sequential(*stages)

    def branches(self, radiograph: Tensor) -> list[Tensor]:
        """The last stage's branches, each half as large as the one before."""
        result: list[Tensor] = self.stages([self.first(self.stem(radiograph))])
        return result

    def forward(self, radiograph: Tensor) -> Tensor:
        finest, *coarser = self.branches(radiograph)
        size = finest.shape[-2:]
        return torch.cat(
            [finest]
            + [
                functional.interpolate(x, size, mode="bilinear", align_corners=False)
                for x in coarser
            ],
            dim=1,
        )
