"""The units of a network, fitted on training folds, and the way back to physical units."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from bmdpipe.pairs.mapped import ImageStack, in_parts

Array = TypeVar("Array", NDArray, Tensor)
Standardise = Literal["local", "image", "cohort"]
SEEN = (0.02, 1.3)
"""Attenuation of pixels that belong to the patient: neither air or a dark border nor a bright one,
which lead or a shutter left (0 and 1 are the 0.1 and 99.9 percentiles of the radiograph)."""
REACH = 4.0
"""Standard deviations to which a radiograph that is standardised by itself is cut."""
LOCAL_SD = 0.1
"""Standard deviation of the neighbourhood, part of the image's width (about 20 mm at a hip)."""
NOISE = 0.02
"""Contrast below which nothing is raised, attenuation."""
LEVELS = 1 << 16
DENSEST = 0.999
EPSILON = 1e-6


@dataclass(frozen=True)
class ImageScale:
    """How radiographs and density projections enter and leave a network.

    `standardise` says by whose mean and standard deviation a radiograph is brought to 0 and 1: each
    pixel's neighbourhood (`local`, a Gaussian of `LOCAL_SD` of the width), its own over the pixels
    of the patient (`image`), or the training folds' (`cohort`). A projection is divided by
    `density_mg_cm2`, near the largest of the training folds, so that a network works in about
    [0, 1].

    Each exposure has a look-up table of its own. A smooth one is nearly an affine map within a
    neighbourhood, so that `local` takes it away, and equalisation with it.
    """

    radiograph_mean: float
    radiograph_sd: float
    density_mg_cm2: float
    standardise: Standardise = "cohort"

    def radiograph_in(self, attenuation: Tensor) -> Tensor:
        """Of images `[n, 1, h, w]`."""
        if self.standardise == "local":
            return locally_standardised(attenuation)
        if self.standardise == "image":
            return standardised(attenuation)
        return (attenuation - self.radiograph_mean) / self.radiograph_sd

    def density_in(self, mg_cm2: Array) -> Array:
        return mg_cm2 / self.density_mg_cm2

    def density_out(self, value: Array) -> Array:
        """Back to mg/cm2."""
        return value * self.density_mg_cm2

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def standardised(images: Tensor) -> Tensor:
    """Mean 0 and standard deviation 1 over each image's pixels of the patient, cut at `REACH`."""
    seen = (images > SEEN[0]) & (images < SEEN[1])
    count = seen.sum(dim=(-2, -1), keepdim=True).clamp(min=1)
    mean = (images * seen).sum(dim=(-2, -1), keepdim=True) / count
    apart = (images - mean) * seen
    sd = (apart.square().sum(dim=(-2, -1), keepdim=True) / count).sqrt()
    return ((images - mean) / sd.clamp(min=EPSILON)).clamp(-REACH, REACH)


def locally_standardised(images: Tensor) -> Tensor:
    """Each pixel less its neighbourhood's mean, over its standard deviation and `NOISE`.

    Source: local contrast normalisation, Jarrett et al. 2009, ICCV (here of one channel).
    """
    sigma = LOCAL_SD * images.shape[-1]
    mean = _blurred(images, sigma)
    variance = _blurred((images - mean).square(), sigma)
    return (images - mean) / (variance.clamp(min=0).sqrt() + NOISE)


def _blurred(images: Tensor, sigma_px: float) -> Tensor:
    """Gaussian blur of `[n, 1, h, w]`, reflected at the borders."""
    radius = min(math.ceil(2.5 * sigma_px), min(images.shape[-2:]) - 1)
    offset = torch.arange(-radius, radius + 1, device=images.device, dtype=images.dtype)
    weights = torch.exp(-0.5 * (offset / sigma_px).square())
    weights = (weights / weights.sum())[None, None]
    padded = functional.pad(images, (radius, radius, radius, radius), mode="reflect")
    across = functional.conv2d(padded, weights[:, :, None, :])
    return functional.conv2d(across, weights[:, :, :, None])


def fit_image_scale(
    radiographs: ImageStack, densities: ImageStack, standardise: Standardise = "cohort"
) -> ImageScale:
    """Mean and standard deviation over all pixels, and the densest 0.1 % of non-zero pixels.

    Raises ValueError if the images are constant or no density is positive.
    """
    count, total, squares = 0, 0.0, 0.0
    for images in in_parts(radiographs):
        count += images.size
        total += float(images.sum(dtype=np.float64))
        squares += float(np.square(images, dtype=np.float64).sum())
    mean = total / max(count, 1)
    sd = float(np.sqrt(max(squares / max(count, 1) - mean**2, 0.0)))
    # What rounding leaves of a constant image is no contrast.
    if sd <= EPSILON * abs(mean) or not any((part > 0).any() for part in in_parts(densities)):
        raise ValueError("constant images or empty projections cannot be normalised")
    return ImageScale(
        radiograph_mean=mean,
        radiograph_sd=sd,
        density_mg_cm2=positive_quantile(densities, DENSEST),
        standardise=standardise,
    )


def positive_quantile(stack: ImageStack, quantile: float) -> float:
    """The quantile of all positive pixels, to 1/65536 of the largest, without holding them all.

    NaN count for nothing here: the loss that meets one names its case.
    """
    largest = max(float(np.fmax.reduce(part, axis=None, initial=0.0)) for part in in_parts(stack))
    counts = np.zeros(LEVELS, dtype=np.int64)
    for part in in_parts(stack):
        counts += np.histogram(part[part > 0], bins=LEVELS, range=(0.0, largest))[0]
    share = np.cumsum(counts) / counts.sum()
    return float((np.searchsorted(share, quantile) + 0.5) / LEVELS * largest)


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
