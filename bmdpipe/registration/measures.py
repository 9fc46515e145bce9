"""Other similarities of image batches with one fixed image, to be chosen by the config."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.config.registration import RegistrationConfig
from bmdpipe.registration.similarity import (
    GradientCorrelation,
    NothingToCompareError,
    derivatives,
)

BINS = 32
TINY = 1e-20


class Similarity(Protocol):
    """Higher is more alike; images `[n, h, w]` to `[n]`."""

    def of_batch(self, moving: NDArray[np.float32]) -> NDArray[np.float64]: ...


@dataclass(frozen=True)
class PatchCorrelation:
    """The mean over square patches of each patch's own gradient correlation.

    Edges that are weak everywhere in their neighbourhood count as much as strong ones elsewhere.
    Patches that are known to less than half, or in which the fixed image is flat, do not count.
    """

    whole: GradientCorrelation
    patch_px: int

    def of_batch(self, moving: NDArray[np.float32]) -> NDArray[np.float64]:
        whole = self.whole
        own = derivatives(moving, whole.smooth, whole.slope).astype(np.float64) * whole.weight
        fixed = whole.fixed.astype(np.float64)
        count = self._sums(whole.weight.astype(np.float64))
        usable = np.maximum(count, 1.0)
        fixed_square = self._sums(fixed**2) - self._sums(fixed) ** 2 / usable
        own_square = self._sums(own**2) - self._sums(own) ** 2 / usable
        product = self._sums(own * fixed) - self._sums(own) * self._sums(fixed) / usable
        flat = fixed_square <= 1e-6 * fixed_square.max()
        counts = (count >= 0.5 * count.max()) & ~flat.any(axis=0)
        if not counts.any():
            raise NothingToCompareError("no patch of the image is known and has a gradient")
        floor = 1e-12 * own_square.max(axis=(2, 3), keepdims=True) + TINY
        scores = product / np.sqrt(np.maximum(own_square, floor) * np.maximum(fixed_square, TINY))
        return scores.mean(axis=1)[:, counts].mean(axis=1)

    def _sums(self, images: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sums over the patches, `[..., rows, columns]`; what is left at the end is its own."""
        height, width = images.shape[-2:]
        rows = np.add.reduceat(images, np.arange(0, height, self.patch_px), axis=-2)
        return np.add.reduceat(rows, np.arange(0, width, self.patch_px), axis=-1)


@dataclass(frozen=True)
class CrossCorrelation:
    """The normalised cross-correlation of intensities over the known pixels."""

    fixed: NDArray[np.float64]
    known: NDArray[np.bool_]

    def of_batch(self, moving: NDArray[np.float32]) -> NDArray[np.float64]:
        a = self.fixed[self.known] - self.fixed[self.known].mean()
        b = moving[:, self.known].astype(np.float64)
        b -= b.mean(axis=1, keepdims=True)
        norms = np.sqrt((a**2).sum() * (b**2).sum(axis=1))
        return (b * a).sum(axis=1) / np.maximum(norms, TINY)


@dataclass(frozen=True)
class GradientInformation:
    """Gradients that run alike, weighted by the smaller one, in 0..1.

    The mean of w min(|g|, |h|) with w = (cos 2a + 1) / 2 and a the angle between the gradients,
    either image's of root mean square 1.
    Source: Pluim, Maintz and Viergever 2000, IEEE TMI 19(8); Otake 2012 §II-C.
    """

    fixed: NDArray[np.float64]
    whole: GradientCorrelation

    def of_batch(self, moving: NDArray[np.float32]) -> NDArray[np.float64]:
        weight = self.whole.weight.astype(np.float64)
        g, h = self._gradients(self.fixed[None].astype(np.float32))[0], self._gradients(moving)
        g_size, h_size = np.hypot(*g), np.hypot(h[:, 0], h[:, 1])
        cosine = (g[0] * h[:, 0] + g[1] * h[:, 1]) / np.maximum(g_size * h_size, TINY)
        alike = cosine**2  # (cos 2a + 1) / 2
        return (alike * np.minimum(g_size, h_size) * weight).sum(axis=(1, 2)) / weight.sum()

    def _gradients(self, images: NDArray[np.float32]) -> NDArray[np.float64]:
        """Gradients `[n, 2, h', w']` of root mean square 1 over the known pixels."""
        whole = self.whole
        found = derivatives(images, whole.smooth, whole.slope).astype(np.float64) * whole.weight
        square = (found**2).sum(axis=(1, 2, 3), keepdims=True) / whole.weight.sum()
        return found / np.sqrt(np.maximum(square, TINY))


@dataclass(frozen=True)
class MutualInformation:
    """The mutual information of intensities in `BINS` equal bins each, nats.

    Source: Viola and Wells 1997; Maes 1997, as a joint histogram.
    """

    fixed: NDArray[np.float64]
    known: NDArray[np.bool_]

    def of_batch(self, moving: NDArray[np.float32]) -> NDArray[np.float64]:
        first = binned(self.fixed[self.known])
        return np.array([_information(first, binned(image[self.known])) for image in moving])


def similarity_of(
    image: NDArray,
    known: NDArray[np.bool_],
    correlation: GradientCorrelation,
    pixel_mm: float,
    config: RegistrationConfig,
) -> Similarity:
    """The configured similarity to an image `[h, w]`; `correlation` is its gradient correlation."""
    if config.similarity == "gradient_correlation":
        if config.patch_mm > 0:
            return PatchCorrelation(correlation, max(4, round(config.patch_mm / pixel_mm)))
        return correlation
    if config.similarity == "gradient_information":
        return GradientInformation(np.asarray(image, np.float64), correlation)
    kind = CrossCorrelation if config.similarity == "cross_correlation" else MutualInformation
    return kind(np.asarray(image, np.float64), known)


def binned(values: NDArray) -> NDArray[np.int64]:
    """Which of `BINS` equal bins between least and largest each value falls into."""
    low, high = float(values.min()), float(values.max())
    scaled = (values - low) * (BINS / max(high - low, TINY))
    return np.minimum(scaled.astype(np.int64), BINS - 1)


def _information(first: NDArray[np.int64], second: NDArray[np.int64]) -> float:
    joint = np.bincount(first * BINS + second, minlength=BINS**2).reshape(BINS, BINS) / first.size
    apart = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    there = joint > 0
    return float((joint[there] * np.log(joint[there] / apart[there])).sum())
