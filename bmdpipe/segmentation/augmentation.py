"""Random changes of training slices: parameters are drawn first, then applied deterministically.

Pose, form and field of view move image and labels together; what changes the picture alone is in
`appearance`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from bmdpipe.core.config.segmentation import SegmentationAugmentation
from bmdpipe.segmentation.appearance import Appearance, appear, draw_appearance
from bmdpipe.segmentation.grid import AIR_HU
from bmdpipe.segmentation.smooth_noise import smooth_noise

BEND_PITCH_MM = 60.0
"""How far apart a bent slice's turning points lie (own choice)."""


@dataclass(frozen=True)
class Change:
    """What is done to a batch of n slices.

    Rotation in radians `[n]`; scale along x and y and shift in pixels `[n, 2]`; mirror -1 or 1
    `[n]`; `bend_px` `[n, y, x, 2]` is a smooth displacement, or None; `seen` is the half size and
    centre of the field of view, as fractions of the slice, `[n, 4]` (x, y, x, y); `round_field`
    says which are round rather than square `[n]`.
    """

    rotation: Tensor
    scale: Tensor
    shift_px: Tensor
    mirror: Tensor
    bend_px: Tensor | None
    seen: Tensor
    round_field: Tensor
    appearance: Appearance


def draw(
    config: SegmentationAugmentation,
    shape: tuple[int, int, int],
    pixel_mm: float,
    generator: torch.Generator,
) -> Change:
    """Draw the parameters for slices of a shape `[n, y, x]`."""
    n, height, width = shape

    def either_side(limit: float, *more: int) -> Tensor:
        return (torch.rand(n, *more, generator=generator) * 2 - 1) * limit

    mirrored = torch.rand(n, generator=generator) < (0.5 if config.mirror else 0.0)
    bend = None
    if config.bend_mm > 0:
        pitch = BEND_PITCH_MM / pixel_mm
        field = smooth_noise((n, 2, height, width), pitch, generator).movedim(1, -1)
        size = torch.rand(n, 1, 1, 1, generator=generator) * config.bend_mm / pixel_mm
        bend = field.clamp(-2, 2) * size / 2
    cut = torch.rand(n, generator=generator) < config.cut_share
    half = 0.55 + 0.5 * torch.rand(n, 1, generator=generator).expand(n, 2)
    centre = either_side(0.35, 2)
    seen = torch.cat([torch.where(cut[:, None], half, 9.0), centre], dim=1)
    return Change(
        rotation=either_side(math.radians(config.rotation_deg)),
        scale=(1 + either_side(config.scale))[:, None] * (1 + either_side(config.stretch, 2)),
        shift_px=either_side(config.shift_mm / pixel_mm, 2),
        mirror=torch.where(mirrored, -1.0, 1.0),
        bend_px=bend,
        seen=seen,
        round_field=torch.rand(n, generator=generator) < 0.5,
        appearance=draw_appearance(config, n, pixel_mm, generator),
    )


def repeated(change: Change, times: int) -> Change:
    """The same change for `times` slices in a row each: for slabs, which move as a whole."""
    if times == 1:
        return change
    look = replace(change.appearance, **_repeat(change.appearance, times))
    return replace(change, **(_repeat(change, times) | {"appearance": look}))


def _repeat(drawn: Change | Appearance, times: int) -> dict[str, Any]:
    return {
        name: value.repeat_interleave(times, dim=0)
        for name, value in vars(drawn).items()
        if isinstance(value, Tensor)
    }


def apply(hu: Tensor, shares: Tensor, change: Change) -> tuple[Tensor, Tensor]:
    """Slices `[n, y, x]` and their shares `[n, class, y, x]` in 1/255 after the change, both
    interpolated linearly; air and background come in from outside."""
    sampling = _sampling_grid(hu.shape, change)
    moved = functional.grid_sample(hu.float()[:, None] - AIR_HU, sampling, align_corners=False)
    labels = functional.grid_sample(shares.float(), sampling, align_corners=False)
    changed, labels = appear(moved[:, 0] + AIR_HU, labels, change.appearance)
    seen = _field_of_view(hu.shape, change)
    return torch.where(seen, changed, AIR_HU), labels * seen[:, None]


def _sampling_grid(shape: torch.Size, change: Change) -> Tensor:
    n, height, width = shape
    cos, sin = torch.cos(change.rotation), torch.sin(change.rotation)
    x, y = change.scale.T
    # torch's grids run from -1 to 1 along each axis, so a rotation of pixels needs the aspect.
    theta = torch.stack(
        [
            torch.stack(
                [
                    change.mirror * cos * x,
                    -change.mirror * sin * y * height / width,
                    change.shift_px[:, 0] * 2 / width,
                ],
                dim=1,
            ),
            torch.stack(
                [sin * x * width / height, cos * y, change.shift_px[:, 1] * 2 / height], dim=1
            ),
        ],
        dim=1,
    )
    grid = functional.affine_grid(theta, [n, 1, height, width], align_corners=False)
    if change.bend_px is None:
        return grid
    return grid + change.bend_px * torch.tensor([2 / width, 2 / height])


def _field_of_view(shape: torch.Size, change: Change) -> Tensor:
    """Where the slices are seen, `[n, y, x]`."""
    _, height, width = shape
    y = torch.linspace(-1, 1, height)[None, :, None]
    x = torch.linspace(-1, 1, width)[None, None, :] * (width / height)
    half_x, half_y, x0, y0 = (v[:, None, None] for v in change.seen.unbind(1))
    wide = width / height
    across, down = (x - x0) / (half_x * wide), (y - y0) / half_y
    inside_square = (across.abs() < 1) & (down.abs() < 1)
    inside_round = (x - x0) ** 2 + (y - y0) ** 2 < (half_x * wide) ** 2
    return torch.where(change.round_field[:, None, None], inside_round, inside_square)
