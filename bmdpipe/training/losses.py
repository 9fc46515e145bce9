"""The losses of decomposition (Gu 2023 eq. 1 to 7) and of regression (eq. 9 to 11)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

Form = Literal["least_squares", "logarithmic"]
Features = Sequence[Sequence[Tensor]]
"""A discriminator's features by scale and layer; the last of each scale are its scores."""
EPSILON = 1e-8


def adversarial_loss(features: Features, real: bool, form: Form) -> Tensor:
    """How far the scores are from saying `real`, mean over patches, sum over scales.

    Source: Mao 2017 (least squares); Goodfellow 2014 (logarithmic, non-saturating).
    """
    total = torch.zeros((), device=features[0][-1].device)
    for scale in features:
        scores = scale[-1].float()
        wanted = torch.full_like(scores, float(real))
        if form == "least_squares":
            total = total + functional.mse_loss(scores, wanted)
        else:
            total = total + functional.binary_cross_entropy_with_logits(scores, wanted)
    return total


def feature_matching_loss(fake: Features, real: Features) -> Tensor:
    """L1 distance of the layers' features, each times 4 / (strided layers + 1) / scales.

    The scores themselves are left out and the real features are constants.
    Source: Wang 2018 (eq. 2 and 3 of Gu 2023, with pix2pixHD's weights).
    """
    total = torch.zeros((), device=fake[0][0].device)
    for fake_scale, real_scale in zip(fake, real, strict=True):
        # A discriminator of n strided layers has n + 1 feature layers and one of scores.
        weight = 4.0 / (len(fake_scale) - 1) / len(fake)
        for a, b in zip(fake_scale[:-1], real_scale[:-1], strict=True):
            total = total + weight * functional.l1_loss(a.float(), b.detach().float())
    return total


def gradient_correlation(a: Tensor, b: Tensor) -> Tensor:
    """Mean of the normalised cross-correlations of the x and the y differences, per image `[n]`.

    Source: Penney 1998; Gu 2023 eq. 6 (there the sum of the two).
    """
    return (_ncc(a.diff(dim=-1), b.diff(dim=-1)) + _ncc(a.diff(dim=-2), b.diff(dim=-2))) / 2


def gradient_correlation_loss(a: Tensor, b: Tensor) -> Tensor:
    """1 - GC, mean over the batch."""
    return 1 - gradient_correlation(a, b).mean()


def sample_weights(values: Tensor) -> Tensor:
    """1.5 for the values nearest to the mean, falling to 0.5 for the farthest (Gu 2023 eq. 9, 10).

    All 1 where every value is as far from the mean as the others.
    """
    distance = (values - values.mean()).abs()
    spread = distance.max() - distance.min()
    if spread <= EPSILON * distance.max():
        return torch.ones_like(values)
    return 1.5 - (distance - distance.min()) / spread


def weighted_l1_loss(predicted: Tensor, true: Tensor, weights: Tensor) -> Tensor:
    """Mean of weight times absolute error (Gu 2023 eq. 11)."""
    return (weights * (predicted - true).abs()).mean()


def _ncc(a: Tensor, b: Tensor) -> Tensor:
    a, b = a.flatten(1), b.flatten(1)
    a = a - a.mean(dim=1, keepdim=True)
    b = b - b.mean(dim=1, keepdim=True)
    power = (a * a).sum(dim=1) * (b * b).sum(dim=1)
    return (a * b).sum(dim=1) / torch.sqrt(power + EPSILON)
