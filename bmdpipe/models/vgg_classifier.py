"""VGG cut at its deepest convolution, with global average pooling, dropout and one dense layer.

Parameters are named as in torchvision, so that weights of VGG16 that a user has fit.
Source: Simonyan 2015; Rajaraman 2021 (seed 001) for the cut and what follows it.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from bmdpipe.models.layers import global_mean, scale_for_rectifiers


class VggClassifier(nn.Module):
    """`stages` of 3x3 convolutions with pooling between them; `[n, c, h, w]` to `[n, outputs]`.
    `normed` adds batch normalisation, without which small training sets teach little."""

    def __init__(
        self,
        stages: Sequence[Sequence[int]],
        normed: bool = False,
        dropout: float = 0.5,
        channels: int = 1,
        outputs: int = 2,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inside = channels
        for stage in stages:
            if layers:
                layers.append(nn.MaxPool2d(2))
            for width in stage:
                layers.append(nn.Conv2d(inside, width, 3, padding=1))
                layers += [nn.BatchNorm2d(width)] if normed else []
                layers.append(nn.ReLU(inplace=True))
                inside = width
        self.features = nn.Sequential(*layers)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(inside, outputs)
        scale_for_rectifiers(self)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.classifier(self.dropout(global_mean(self.features(x))))
        return result
