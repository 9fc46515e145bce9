"""Structural similarity of images and its form over several scales: a metric and, with gradients, a
loss.

Source: Wang 2004 (SSIM: Gaussian window of 11 pixels and 1.5 of standard deviation, K1 0.01, K2
0.03, population covariances); Wang 2003 (MS-SSIM: contrast and structure at five scales by 2x2
means, luminance at the coarsest, weights from its Table 1).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

WINDOW, SIGMA = 11, 1.5
K1, K2 = 0.01, 0.03
WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
LEAST = 1e-6
"""Below it the power of a scale has no usable gradient."""


def ssim(a: Tensor, b: Tensor, peak: float = 1.0) -> Tensor:
    """Mean SSIM of each pair of images `[n, 1, h, w]`, over windows that lie inside: `[n]`."""
    local = _moments(a, b)
    return (_luminance(local, peak) * _structure(local, peak)).mean(dim=(1, 2, 3))


def ms_ssim(a: Tensor, b: Tensor, peak: float = 1.0) -> Tensor:
    """MS-SSIM of each pair of images `[n, 1, h, w]`: `[n]`.

    Images too small for five scales get as many as hold a window, with weights that sum up to
    what the five do. Raises ValueError if an image is smaller than a window.
    """
    scales = scales_of(a.shape[-2:])
    share = sum(WEIGHTS[:scales]) / sum(WEIGHTS)
    weights = [weight / share for weight in WEIGHTS[:scales]]
    result = torch.ones(len(a), dtype=a.dtype, device=a.device)
    for scale, weight in enumerate(weights):
        if scale:
            a, b = functional.avg_pool2d(a, 2), functional.avg_pool2d(b, 2)
        local = _moments(a, b)
        term = _structure(local, peak)
        if scale == scales - 1:
            term = term * _luminance(local, peak)
        result = result * term.mean(dim=(1, 2, 3)).clamp(min=LEAST) ** weight
    return result


def scales_of(size: torch.Size | tuple[int, ...]) -> int:
    """How many of the five scales images of this height and width have."""
    scales = sum(min(size) // 2**k >= WINDOW for k in range(len(WEIGHTS)))
    if not scales:
        raise ValueError(f"images of {tuple(size)} pixels hold no window of {WINDOW}")
    return scales


class _Moments(NamedTuple):
    """Means, variances and covariance of two images at each window, `[n, 1, h, w]`."""

    mean_a: Tensor
    mean_b: Tensor
    var_a: Tensor
    var_b: Tensor
    both: Tensor


def _moments(a: Tensor, b: Tensor) -> _Moments:
    # As channels of one image: two depthwise convolutions take half the time of ten.
    blurred = _blurred(torch.cat([a, b, a * a, b * b, a * b], dim=1))
    mean_a, mean_b, aa, bb, ab = blurred.split(1, dim=1)
    return _Moments(mean_a, mean_b, aa - mean_a**2, bb - mean_b**2, ab - mean_a * mean_b)


def _luminance(local: _Moments, peak: float) -> Tensor:
    c1 = (K1 * peak) ** 2
    a, b = local.mean_a, local.mean_b
    return (2 * a * b + c1) / (a**2 + b**2 + c1)


def _structure(local: _Moments, peak: float) -> Tensor:
    """Contrast times structure."""
    c2 = (K2 * peak) ** 2
    return (2 * local.both + c2) / (local.var_a + local.var_b + c2)


def _blurred(x: Tensor) -> Tensor:
    """Each channel's mean over Gaussian windows that lie inside: `[n, c, h - 10, w - 10]`."""
    channels = x.shape[1]
    place = torch.arange(WINDOW, dtype=x.dtype, device=x.device) - WINDOW // 2
    window = torch.exp(-(place**2) / (2 * SIGMA**2))
    window = (window / window.sum()).expand(channels, 1, WINDOW)
    down = functional.conv2d(x, window[..., None], groups=channels)
    return functional.conv2d(down, window[:, :, None], groups=channels)
