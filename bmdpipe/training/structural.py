"""Structural similarity of images and its form over several scales: a metric and, with gradients, a
loss.

Source: Wang 2004 (SSIM: Gaussian window of 11 pixels and 1.5 of standard deviation, K1 0.01, K2
0.03, population covariances); Wang 2003 (MS-SSIM: contrast and structure at five scales by 2x2
means, luminance at the coarsest, weights from its Table 1).
"""

from __future__ import annotations

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
    luminance, structure = _terms(a, b, peak)
    return (luminance * structure).mean(dim=(1, 2, 3))


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
        luminance, structure = _terms(a, b, peak)
        last = scale == scales - 1
        term = (luminance * structure if last else structure).mean(dim=(1, 2, 3))
        result = result * term.clamp(min=LEAST) ** weight
        a, b = functional.avg_pool2d(a, 2), functional.avg_pool2d(b, 2)
    return result


def scales_of(size: torch.Size | tuple[int, ...]) -> int:
    """How many of the five scales images of this height and width have."""
    scales = sum(min(size) // 2**k >= WINDOW for k in range(len(WEIGHTS)))
    if not scales:
        raise ValueError(f"images of {tuple(size)} pixels hold no window of {WINDOW}")
    return scales


def _terms(a: Tensor, b: Tensor, peak: float) -> tuple[Tensor, Tensor]:
    """Luminance, and contrast times structure, at each window."""
    c1, c2 = (K1 * peak) ** 2, (K2 * peak) ** 2
    mean_a, mean_b = _blurred(a), _blurred(b)
    var_a = _blurred(a * a) - mean_a**2
    var_b = _blurred(b * b) - mean_b**2
    both = _blurred(a * b) - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    return luminance, (2 * both + c2) / (var_a + var_b + c2)


def _blurred(x: Tensor) -> Tensor:
    place = torch.arange(WINDOW, dtype=x.dtype, device=x.device) - WINDOW // 2
    window = torch.exp(-(place**2) / (2 * SIGMA**2))
    window = window / window.sum()
    return functional.conv2d(
        functional.conv2d(x, window[None, None, :, None]), window[None, None, None, :]
    )
