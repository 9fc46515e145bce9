"""Random changes of training slices: parameters are drawn first, then applied deterministically."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from bmdpipe.core.config.segmentation import SegmentationAugmentation
from bmdpipe.segmentation.grid import AIR_HU


@dataclass(frozen=True)
class Change:
    """What is done to a batch of n slices, each entry `[n]` but the noise's seed.

    Rotation in radians, shift in pixels `[n, 2]` (x, y), mirror -1 or 1; HU become
    `hu * hu_scale + hu_shift` plus noise of standard deviation `noise_hu`.
    """

    rotation: Tensor
    scale: Tensor
    shift_px: Tensor
    mirror: Tensor
    hu_scale: Tensor
    hu_shift: Tensor
    noise_hu: Tensor
    noise_seed: int


def draw(
    config: SegmentationAugmentation, n: int, pixel_mm: float, generator: torch.Generator
) -> Change:
    """Draw the parameters for n slices."""

    def either_side(limit: float, *shape: int) -> Tensor:
        return (torch.rand(n, *shape, generator=generator) * 2 - 1) * limit

    mirrored = torch.rand(n, generator=generator) < (0.5 if config.mirror else 0.0)
    return Change(
        rotation=either_side(math.radians(config.rotation_deg)),
        scale=1 + either_side(config.scale),
        shift_px=either_side(config.shift_mm / pixel_mm, 2),
        mirror=torch.where(mirrored, -1.0, 1.0),
        hu_scale=1 + either_side(config.hu_scale),
        hu_shift=either_side(config.hu_shift),
        noise_hu=torch.rand(n, generator=generator) * config.noise_hu,
        noise_seed=int(torch.randint(2**62, (), generator=generator)),
    )


def apply(hu: Tensor, shares: Tensor, change: Change) -> tuple[Tensor, Tensor]:
    """Slices `[n, y, x]` and their shares `[n, class, y, x]` after the change, both interpolated
    linearly; air and background come in from outside."""
    sampling = _sampling_grid(hu.shape, change)
    moved = functional.grid_sample(hu.float()[:, None] - AIR_HU, sampling, align_corners=False)
    labels = functional.grid_sample(shares.float(), sampling, align_corners=False)
    noise = torch.randn(hu.shape, generator=torch.Generator().manual_seed(change.noise_seed))
    changed = (moved[:, 0] + AIR_HU) * _column(change.hu_scale) + _column(change.hu_shift)
    return changed + noise * _column(change.noise_hu), labels


def _sampling_grid(shape: torch.Size, change: Change) -> Tensor:
    n, height, width = shape
    cos = torch.cos(change.rotation) * change.scale
    sin = torch.sin(change.rotation) * change.scale
    # torch's grids run from -1 to 1 along each axis, so a rotation of pixels needs the aspect.
    theta = torch.stack(
        [
            torch.stack(
                [
                    change.mirror * cos,
                    -change.mirror * sin * height / width,
                    change.shift_px[:, 0] * 2 / width,
                ],
                dim=1,
            ),
            torch.stack([sin * width / height, cos, change.shift_px[:, 1] * 2 / height], dim=1),
        ],
        dim=1,
    )
    return functional.affine_grid(theta, [n, 1, height, width], align_corners=False)


def _column(values: Tensor) -> Tensor:
    return values[:, None, None]
