"""A plain convolutional network for volumes (seed 002): convolutions, pooling, one dense layer.

The seed names a 3D CNN and not its sizes; these are an own choice. What enters the dense layer is
normalised too: rectified maps are all positive, and without it their common part drowns the rest.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from bmdpipe.models.layers import scale_for_rectifiers


class VolumeCnn(nn.Module):
    """Stages of 3x3x3 convolutions with 2x2x2 max pooling between them; `[n, c, z, y, x]` to
    `[n, outputs]`.

    The last stage is not pooled: its maps are what activation maps weigh. They are averaged over
    `cells` along each axis before the dense layer, so that it can tell where in a head something
    is; one cell is global average pooling.
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
        self.dropout = nn.Dropout(dropout)
        self.pool = nn.AdaptiveAvgPool3d(cells)
        self.norm = nn.BatchNorm1d(channels * cells**3)
        self.classifier = nn.Linear(channels * cells**3, outputs)
        scale_for_rectifiers(self)

    def forward(self, volume: Tensor) -> Tensor:
        pooled = self.dropout(self.norm(self.pool(self.features(volume)).flatten(1)))
        result: Tensor = self.classifier(pooled)
        return result
