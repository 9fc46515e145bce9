"""Stage three for small cohorts: the projection's reading, and what the representation adds.

The paper's head learns BMD anew from one number per image, which takes many subjects. This one
starts at what the decomposition reads and learns a linear correction. Own choice: docs/learning.md
has what it was chosen by.
"""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from bmdpipe.models.generator import Generator

NOTHING = 1e-6


class ProjectionRegression(nn.Module):
    """A fixed generator's projection and representation to one value per image `[n]`.

    value = gain (slope m + intercept) + w . LayerNorm(r) + b, with m the mean of the projection's
    pixels that reach a threshold, and r the mean of the representation over positions, weighted by
    the projection. Gain, w, b and the norm are learned; gain starts at 1, w and b at 0, so that an
    untrained network gives the fitted line's value. `density_mg_cm2` is the projection's scale.
    """

    threshold_mg_cm2: Tensor
    slope: Tensor
    intercept: Tensor

    def __init__(self, generator: Generator, density_mg_cm2: float) -> None:
        super().__init__()
        self.encoder = generator.encoder
        self.decoder = generator.decoder
        self.stride = generator.stride
        self.density_mg_cm2 = density_mg_cm2
        for name in ("threshold_mg_cm2", "slope", "intercept"):
            self.register_buffer(name, torch.zeros(()))
        self.gain = nn.Parameter(torch.ones(()))
        self.norm = nn.LayerNorm(generator.representation_channels)
        self.value = nn.Linear(generator.representation_channels, 1)
        nn.init.zeros_(self.value.weight)
        nn.init.zeros_(self.value.bias)
        for part in (self.encoder, self.decoder):
            part.requires_grad_(False)

    def read_by(self, threshold_mg_cm2: float, slope: float, intercept: float) -> None:
        """Start from this line: value = slope m + intercept, m in mg/cm2."""
        self.threshold_mg_cm2.fill_(threshold_mg_cm2)
        self.slope.fill_(slope)
        self.intercept.fill_(intercept)

    def train(self, mode: bool = True) -> Self:
        """The fixed part never drops anything out."""
        super().train(mode)
        self.encoder.eval()
        self.decoder.eval()
        return self

    def forward(self, radiograph: Tensor) -> Tensor:
        representation = self.encoder(radiograph)
        density = self.decoder(representation).clamp(min=0)
        line = self.slope * self._mean_above(density * self.density_mg_cm2) + self.intercept
        weights = functional.avg_pool2d(density, self.stride)
        weights = weights / weights.sum(dim=(2, 3), keepdim=True).clamp(min=NOTHING)
        pooled = (representation * weights).sum(dim=(2, 3))
        correction: Tensor = self.value(self.norm(pooled)).squeeze(1)
        return self.gain * line + correction

    def _mean_above(self, density: Tensor) -> Tensor:
        """Mean of each image's pixels that reach the threshold, 0 where none does."""
        reached = (density >= self.threshold_mg_cm2) & (density > 0)
        total = (density * reached).sum(dim=(1, 2, 3))
        return total / reached.sum(dim=(1, 2, 3)).clamp(min=1)
