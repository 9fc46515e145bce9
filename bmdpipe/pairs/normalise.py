"""The units of a network, fitted on training folds, and the way back to physical units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Array = TypeVar("Array", NDArray, Tensor)


@dataclass(frozen=True)
class ImageScale:
    """How radiographs and density projections enter and leave a network.

    A radiograph is standardised; a projection is divided by `density_mg_cm2`, near the largest of
    the training folds, so that a network works in about [0, 1].
    """

    radiograph_mean: float
    radiograph_sd: float
    density_mg_cm2: float

    def radiograph_in(self, attenuation: Array) -> Array:
        return (attenuation - self.radiograph_mean) / self.radiograph_sd

    def density_in(self, mg_cm2: Array) -> Array:
        return mg_cm2 / self.density_mg_cm2

    def density_out(self, value: Array) -> Array:
        """Back to mg/cm2."""
        return value * self.density_mg_cm2

    def to_json(self) -> dict[str, float]:
        return asdict(self)


def fit_image_scale(radiographs: NDArray, densities: NDArray) -> ImageScale:
    """Mean and standard deviation over all pixels, and the densest 0.1 % of non-zero pixels.

    Raises ValueError if the images are constant or no density is positive.
    """
    positive = densities[densities > 0]
    sd = float(np.std(radiographs, dtype=np.float64))
    if positive.size == 0 or sd == 0:
        raise ValueError("constant images or empty projections cannot be normalised")
    return ImageScale(
        radiograph_mean=float(np.mean(radiographs, dtype=np.float64)),
        radiograph_sd=sd,
        density_mg_cm2=float(np.quantile(positive, 0.999)),
    )


@dataclass(frozen=True)
class ValueScale:
    """How BMD values enter and leave a network: standardised, in the target's own unit."""

    mean: float
    sd: float

    def value_in(self, bmd: Array) -> Array:
        return (bmd - self.mean) / self.sd

    def value_out(self, value: Array) -> Array:
        return value * self.sd + self.mean

    def to_json(self) -> dict[str, float]:
        return asdict(self)


def fit_value_scale(values: Sequence[float]) -> ValueScale:
    """Raises ValueError if the values do not differ."""
    sd = float(np.std(values))
    if sd == 0:
        raise ValueError("BMD values that do not differ cannot be learned")
    return ValueScale(float(np.mean(values)), sd)
