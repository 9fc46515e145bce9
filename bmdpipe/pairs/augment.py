"""Random changes of training images, drawn apart from their application, so that they replay.

Geometry acts on radiograph and projections as one affine map. Density projections keep their
mg/cm2 under it, also under magnification: a bone that is seen larger is as dense as before.
Brightness and contrast act on the radiograph alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from bmdpipe.core.config.pairs import AugmentationConfig


@dataclass(frozen=True)
class Augmentation:
    """What happens to each image of a batch.

    `output_from_input` `[n, 2, 3]` maps image coordinates in pixels about the image's centre, x to
    the right and y down, the shift being a part of width and height; `brightness` and `contrast`
    `[n]` are factors.
    """

    output_from_input: Tensor
    brightness: Tensor
    contrast: Tensor

    def to_json(self) -> list[dict[str, Any]]:
        """A record for each image; `from_json` of it changes images in the same way again."""
        return [
            {"output_from_input": matrix.tolist(), "brightness": float(b), "contrast": float(c)}
            for matrix, b, c in zip(
                self.output_from_input, self.brightness, self.contrast, strict=True
            )
        ]

    @classmethod
    def from_json(cls, rows: Sequence[Mapping[str, Any]]) -> Augmentation:
        return cls(
            torch.tensor([row["output_from_input"] for row in rows]),
            torch.tensor([row["brightness"] for row in rows]),
            torch.tensor([row["contrast"] for row in rows]),
        )


def draw(n: int, config: AugmentationConfig, generator: torch.Generator) -> Augmentation:
    """Draw `n` augmentations (on the CPU; `generator` alone decides)."""
    unit = torch.rand(n, 9, generator=generator) * 2 - 1
    angle = torch.deg2rad(unit[:, 0] * config.rotation_deg)
    shear = torch.tan(torch.deg2rad(unit[:, 1] * config.shear_deg))
    scale = 1 + unit[:, 2] * config.scale
    flip_x = torch.where((unit[:, 5] < 0) & config.flip_horizontal, -1.0, 1.0)
    flip_y = torch.where((unit[:, 6] < 0) & config.flip_vertical, -1.0, 1.0)
    cos, sin, zero, one = angle.cos(), angle.sin(), torch.zeros(n), torch.ones(n)
    rotation = _matrix(cos, -sin, sin, cos)
    linear = rotation @ _matrix(one, shear, zero, one) @ _matrix(flip_x, zero, zero, flip_y)
    shift = unit[:, 3:5] * config.translation_fraction
    return Augmentation(
        output_from_input=torch.cat([linear * scale[:, None, None], shift[:, :, None]], dim=2),
        brightness=1 + unit[:, 7] * config.brightness,
        contrast=1 + unit[:, 8] * config.contrast,
    )


def identity(n: int) -> Augmentation:
    """The augmentation that changes nothing."""
    return Augmentation(
        torch.eye(2, 3).repeat(n, 1, 1), brightness=torch.ones(n), contrast=torch.ones(n)
    )


def apply_geometry(images: Tensor, augmentation: Augmentation) -> Tensor:
    """Resample a batch `[n, c, h, w]`, bilinear, on its device; what was not imaged becomes 0."""
    height, width = images.shape[-2:]
    half = torch.tensor([width / 2, height / 2], device=images.device)
    linear = augmentation.output_from_input[:, :, :2].to(images)
    # grid_sample wants input coordinates of output pixels, both in units of half the image's size.
    inverse = torch.linalg.inv(linear)
    shift = augmentation.output_from_input[:, :, 2].to(images) * 2
    theta = inverse * half[None, None, :] / half[None, :, None]
    offset = -(theta @ shift[:, :, None])
    grid = functional.affine_grid(
        torch.cat([theta, offset], dim=2), list(images.shape), align_corners=False
    )
    return functional.grid_sample(images, grid, align_corners=False)


def apply_intensity(radiographs: Tensor, augmentation: Augmentation) -> Tensor:
    """Brightness as a factor on attenuation, then contrast as a factor about each image's mean."""
    brightness = augmentation.brightness.to(radiographs)[:, None, None, None]
    contrast = augmentation.contrast.to(radiographs)[:, None, None, None]
    bright = radiographs * brightness
    mean = bright.mean(dim=(1, 2, 3), keepdim=True)
    return (bright - mean) * contrast + mean


def is_active(config: AugmentationConfig) -> bool:
    """Whether the configuration changes images at all."""
    return any(bool(value) for value in config.model_dump().values())


def _matrix(a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> Tensor:
    return torch.stack([torch.stack([a, b], -1), torch.stack([c, d], -1)], -2)


def points_after(augmentation: Augmentation, xy_px: Tensor, size_px: tuple[int, int]) -> Tensor:
    """Where pixel positions `[n, k, 2]` (x, y) of the input lie in the augmented images."""
    size = torch.tensor([float(size_px[0]), float(size_px[1])])
    centred = xy_px + 0.5 - size / 2
    linear, shift = (
        augmentation.output_from_input[:, :, :2],
        augmentation.output_from_input[:, :, 2],
    )
    moved = torch.einsum("nij,nkj->nki", linear, centred) + (shift * size)[:, None, :]
    return moved + size / 2 - 0.5
