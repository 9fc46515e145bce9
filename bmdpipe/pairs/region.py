"""The region image of the conventional baseline: a square about the proximal femur."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from bmdpipe.pairs.mapped import ImageStack


@dataclass(frozen=True)
class RegionStack:
    """The region images of a stack of radiographs and their true `pf`, cut when asked for."""

    radiographs: ImageStack
    pf: ImageStack
    region_px: int
    margin: float

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.radiographs), self.region_px, self.region_px)

    def __len__(self) -> int:
        return len(self.radiographs)

    def __getitem__(self, chosen: NDArray[np.int64], /) -> NDArray[np.float32]:
        regions = crop_regions(
            torch.from_numpy(self.radiographs[chosen]),
            torch.from_numpy(self.pf[chosen]),
            self.region_px,
            self.margin,
        )
        return np.asarray(regions)


def crop_regions(radiographs: Tensor, pf: Tensor, region_px: int, margin: float) -> Tensor:
    """Square cut-outs `[n, region_px, region_px]` of radiographs `[n, h, w]` about their true `pf`.

    The square has the centre of the projection's bounding box and its longer side, widened by
    `margin` of it on either side; it is resampled anti-aliased. Outside the radiograph it is 0.
    Raises ValueError if a projection is empty. Source: Gu 2023 §4.2.1 ("pre-cropped ROI").
    """
    return torch.stack(
        [
            _crop(image, mask > 0, region_px, margin)
            for image, mask in zip(radiographs, pf, strict=True)
        ]
    )


def _crop(image: Tensor, mask: Tensor, region_px: int, margin: float) -> Tensor:
    rows, columns = torch.where(mask.any(1))[0], torch.where(mask.any(0))[0]
    if len(rows) == 0:
        raise ValueError("the projection of the proximal femur is empty: there is no region")
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    left, right = int(columns[0]), int(columns[-1]) + 1
    side = max(bottom - top, right - left)
    half = round(side * (0.5 + margin))
    y, x = (top + bottom) // 2, (left + right) // 2
    padded = functional.pad(image[None, None], (half, half, half, half))
    square = padded[..., y : y + 2 * half, x : x + 2 * half]
    return functional.interpolate(
        square, size=(region_px, region_px), mode="bilinear", antialias=True, align_corners=False
    )[0, 0]
