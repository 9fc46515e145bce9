"""Smooth random fields and blurring of batches of slices."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def smooth_noise(
    shape: tuple[int, int, int, int], pitch_px: float, generator: torch.Generator
) -> Tensor:
    """Fields `[n, channels, y, x]` of about unit variance that change over `pitch_px` pixels.

    Normal numbers on a coarse lattice, joined by cubic interpolation.
    """
    n, channels, height, width = shape
    coarse = [max(2, round(size / pitch_px) + 1) for size in (height, width)]
    lattice = torch.randn(n, channels, *coarse, generator=generator)
    return functional.interpolate(lattice, (height, width), mode="bicubic", align_corners=True)


def blurred(slices: Tensor, sigma_px: float) -> Tensor:
    """Slices `[n, y, x]` after a Gaussian of `sigma_px`; the border's values go on outside."""
    if sigma_px <= 0:
        return slices
    reach = max(1, int(3 * sigma_px + 0.5))
    steps = torch.arange(-reach, reach + 1, dtype=slices.dtype)
    kernel = torch.exp(-0.5 * (steps / sigma_px) ** 2)
    kernel = kernel / kernel.sum()
    padded = functional.pad(slices[:, None], (reach, reach, reach, reach), mode="replicate")
    rows = functional.conv2d(padded, kernel[None, None, None, :])
    return functional.conv2d(rows, kernel[None, None, :, None])[:, 0]
