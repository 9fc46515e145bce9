"""The `pairs` section: hip images, their size, and augmentation."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bmdpipe.core.config.base import Section


class AugmentationConfig(Section):
    """Half-widths of the uniform distributions that an augmentation is drawn from."""

    rotation_deg: float = Field(
        default=25.0, ge=0, le=180, description="rotation either way (Gu 2023 §4.2.7: 25)"
    )
    shear_deg: float = Field(
        default=9.0, ge=0, le=45, description="horizontal shear either way (Gu 2023 §4.2.7: 9)"
    )
    translation_fraction: float = Field(
        default=0.3,
        ge=0,
        le=1,
        description="shift either way as a part of width and height (Gu 2023 §4.2.7: 0.3)",
    )
    scale: float = Field(
        default=0.3, ge=0, lt=1, description="magnification is 1 +- this (Gu 2023 §4.2.7: 0.3)"
    )
    brightness: float = Field(
        default=0.5, ge=0, le=1, description="brightness factor is 1 +- this (Gu 2023 §4.2.7: 0.5)"
    )
    contrast: float = Field(
        default=0.5, ge=0, le=1, description="contrast factor is 1 +- this (Gu 2023 §4.2.7: 0.5)"
    )
    flip_horizontal: bool = Field(
        default=True, description="mirror left-right with probability 1/2 (Gu 2023 §4.2.7)"
    )
    flip_vertical: bool = Field(
        default=True, description="mirror up-down with probability 1/2 (Gu 2023 §4.2.7)"
    )


class PairsConfig(Section):
    """Radiograph and density projections of one hip at one size."""

    size_px: tuple[int, int] = Field(
        default=(256, 512), description="width and height of a hip image (Gu 2023 §3.1: 256 x 512)"
    )
    canonical_side: bool = Field(
        default=False,
        description="mirror left hips so that all look like right ones; the paper does not",
    )
    standardise: Literal["local", "image", "cohort"] = Field(
        default="local",
        description="whose mean and standard deviation bring a pixel to 0 and 1: its "
        "neighbourhood's, because each exposure has its own look-up table, the radiograph's, or "
        "the training folds' (own choice)",
    )
    augmentation: AugmentationConfig = Field(
        default=AugmentationConfig(), description="random changes of the training images"
    )
