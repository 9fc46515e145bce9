"""VGG cut at its deepest convolution: the seed's head that averages over the picture, and one of
our own that looks for the places which speak most for a class.

Parameters are named as in torchvision, so that weights of VGG16 that a user has fit.
Source: Simonyan 2015; Rajaraman 2021 (seed 001) for the cut and the averaging head.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from bmdpipe.models.layers import global_mean, scale_for_rectifiers

Stages = Sequence[Sequence[int]]


class VggClassifier(nn.Module):
    """`stages` of 3x3 convolutions with pooling between them, global average pooling, dropout and
    one dense layer; `[n, c, h, w]` to `[n, outputs]`."""

    def __init__(
        self, stages: Stages, dropout: float = 0.5, channels: int = 1, outputs: int = 2
    ) -> None:
        super().__init__()
        self.features = _features(stages, channels, normed=False)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(stages[-1][-1], outputs)
        scale_for_rectifiers(self)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.classifier(self.dropout(global_mean(self.features(x))))
        return result


class VggEvidence(nn.Module):
    """The same stages with batch normalisation, without which small training sets teach little; a
    map of evidence per class, and as logit the mean over the `top_share` of places that speak most
    for the class, so that a finding that takes a small part of the picture is not averaged away.

    Source: Durand 2016 (WELDON) for the mean over the highest places.
    """

    def __init__(
        self,
        stages: Stages,
        top_share: float,
        dropout: float = 0.0,
        channels: int = 1,
        outputs: int = 2,
    ) -> None:
        super().__init__()
        self.features = _features(stages, channels, normed=True)
        self.dropout = nn.Dropout2d(dropout)
        self.evidence = nn.Conv2d(stages[-1][-1], outputs, 1)
        self.top_share = top_share
        scale_for_rectifiers(self)

    def forward(self, x: Tensor) -> Tensor:
        places = self.evidence(self.dropout(self.features(x))).flatten(2)
        count = max(round(self.top_share * places.shape[2]), 1)
        result: Tensor = places.topk(count, dim=2).values.mean(dim=2)
        return result


def _features(stages: Stages, channels: int, normed: bool) -> nn.Sequential:
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
    return nn.Sequential(*layers)
