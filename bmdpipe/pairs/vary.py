"""Random changes of images and volumes alike: turn, shift, scale, mirror, gain.

What is drawn and what is applied are apart, so that targets that are images change with inputs.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from bmdpipe.core.config.supervised import VariationConfig


@dataclass(frozen=True)
class Drawn:
    """Per image: `theta` `[n, d, d + 1]`, the place in the source of a place in the result, in
    half-lengths about the centre, axes from last to first; and `gain` `[n]`."""

    theta: Tensor
    gain: Tensor

    def moved(self, images: Tensor) -> Tensor:
        """Images `[n, c, ...]` interpolated linearly; the edge is repeated beyond."""
        grid = functional.affine_grid(
            self.theta.to(images), list(images.shape), align_corners=False
        )
        return functional.grid_sample(images, grid, padding_mode="border", align_corners=False)

    def applied(self, images: Tensor) -> Tensor:
        """Moved, and times the gain."""
        gain = self.gain.to(images).reshape(-1, *[1] * (images.ndim - 1))
        return self.moved(images) * gain


def draw(n: int, size: tuple[int, ...], config: VariationConfig, random: torch.Generator) -> Drawn:
    """One change for each of n images of a size in space (two or three axes)."""
    dims = len(size)

    def spread(*shape: int) -> Tensor:
        return 2 * torch.rand(*shape, generator=random) - 1

    lengths = torch.tensor(size[::-1], dtype=torch.float32)
    angles = torch.deg2rad(config.rotation_deg * spread(n, 3))
    planes = [(0, 1), (0, 2), (1, 2)] if dims == 3 else [(0, 1)]
    turn = torch.eye(dims).repeat(n, 1, 1)
    for number, (a, b) in enumerate(planes):
        one = torch.eye(dims).repeat(n, 1, 1)
        cos, sin = torch.cos(angles[:, number]), torch.sin(angles[:, number])
        one[:, a, a], one[:, b, b], one[:, a, b], one[:, b, a] = cos, cos, -sin, sin
        turn = turn @ one
    matrix = turn * (1 + config.scale * spread(n, 1, 1))
    # A turn is one in pixels; half-lengths differ between the axes.
    matrix = matrix * lengths[None, None, :] / lengths[None, :, None]
    if config.mirror:
        matrix[:, 0] *= torch.sign(torch.rand(n, generator=random) - 0.5)[:, None]
    shift = 2 * config.shift_fraction * spread(n, dims)
    gain = 1 + config.gain * spread(n)
    return Drawn(torch.cat([matrix, shift[:, :, None]], dim=2), gain)


def is_active(config: VariationConfig) -> bool:
    return config.mirror or any(
        (config.rotation_deg, config.shift_fraction, config.scale, config.gain)
    )
