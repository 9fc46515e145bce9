"""Axial slices on the pixels that the network sees, and back onto the CT's own pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from bmdpipe.core.config.segmentation import SegmentationNetwork
from bmdpipe.core.volume import Volume

AIR_HU = -1000.0
BODY_HU = -300.0
COARSE_MM = 6.0


@dataclass(frozen=True)
class WorkingGrid:
    """Pixels `[y, x]` of one size; `first_mm` is the world x, y of the first pixel's centre."""

    size_px: tuple[int, int]
    pixel_mm: float
    first_mm: tuple[float, float]

    @classmethod
    def around(cls, centre_mm: tuple[float, float], config: SegmentationNetwork) -> WorkingGrid:
        first = [
            c - (n - 1) / 2 * config.pixel_mm
            for c, n in zip(centre_mm, config.matrix_px, strict=True)
        ]
        return cls(config.matrix_px, config.pixel_mm, (first[0], first[1]))


@dataclass(frozen=True)
class Resampler:
    """Separable resampling between a CT's slices and a working grid, as weights per axis.

    `to_y`, `to_x` `[working, ct]` average where pixels grow and interpolate where they shrink;
    `back_y`, `back_x` `[ct, working]` likewise. A row sums to less than one where it reaches out of
    the image.
    """

    to_y: torch.Tensor
    to_x: torch.Tensor
    back_y: torch.Tensor
    back_x: torch.Tensor

    @classmethod
    def between(cls, ct: Volume, grid: WorkingGrid, device: torch.device) -> Resampler:
        """Raises ValueError unless the volume's axes are the world's."""
        if not np.allclose(ct.direction, np.eye(3), atol=1e-4):
            raise ValueError("the CT is not in canonical orientation")
        found = []
        for axis in (1, 0):
            own = (ct.size[axis], ct.spacing_mm[axis], ct.origin_mm[axis])
            work = (grid.size_px[axis], grid.pixel_mm, grid.first_mm[axis])
            found.append((axis_weights(work, own), axis_weights(own, work)))
        (to_y, back_y), (to_x, back_x) = (
            [torch.from_numpy(w).to(device) for w in pair] for pair in found
        )
        return cls(to_y, to_x, back_y, back_x)

    def slices(self, hu: torch.Tensor) -> torch.Tensor:
        """HU slices `[..., y, x]` of the CT on the working grid; air where the CT ends."""
        return self.to_y @ (hu.float() - AIR_HU) @ self.to_x.T + AIR_HU

    def shares(self, classes: torch.Tensor, count: int) -> torch.Tensor:
        """Class slices `[n, y, x]` as the share of each class but background in each working pixel,
        `[n, count - 1, y, x]`: a border through a large pixel keeps its place."""
        foreground = torch.stack([classes == label for label in range(1, count)], dim=1).float()
        return self.to_y @ foreground @ self.to_x.T

    def to_ct(self, values: torch.Tensor) -> torch.Tensor:
        """Values `[..., y, x]` of the working grid on the CT's pixels; zero outside the grid."""
        return self.back_y @ values @ self.back_x.T


Axis = tuple[int, float, float]


def axis_weights(target: Axis, source: Axis) -> NDArray[np.float32]:
    """Weights `[target, source]` along one axis given as (samples, spacing, first centre) in mm.

    Between the source's centres the image is a line; a smaller target pixel takes that line's
    value at its centre, a larger one its mean over the pixel. So a linear image stays linear.
    """
    n_target, target_mm, target_first = target
    n_source, source_mm, source_first = source
    centres = target_first + target_mm * np.arange(n_target)
    sources = source_first + source_mm * np.arange(n_source)
    apart = (centres[:, None] - sources[None, :]) / source_mm
    if target_mm > source_mm * (1 + 1e-6):
        half = target_mm / source_mm / 2
        weights = (_triangle_integral(apart + half) - _triangle_integral(apart - half)) / (2 * half)
    else:
        weights = np.clip(1 - np.abs(apart), 0, None)
    return weights.astype(np.float32)


def _triangle_integral(t: NDArray[np.float64]) -> NDArray[np.float64]:
    """The integral from minus infinity to t of a triangle of height and half-width 1."""
    t = np.clip(t, -1, 1)
    return np.where(t < 0, (t + 1) ** 2 / 2, 1 - (1 - t) ** 2 / 2)


def body_centre(ct: Volume) -> tuple[float, float]:
    """World x, y of the middle of the body's bounding box, the table left aside.

    Raises ValueError if there is no body.
    """
    steps = [max(1, round(COARSE_MM / s)) for s in ct.spacing_mm]
    coarse = ct.array[:: steps[2], :: steps[1], :: steps[0]] > BODY_HU
    # A table or clothing is thinner than the opening.
    opened = ndimage.binary_opening(coarse, np.ones((1, 5, 5)))
    parts, count = ndimage.label(opened)
    if count == 0:
        raise ValueError("there is no body in the CT")
    body = parts == 1 + np.argmax(np.bincount(parts.ravel())[1:])
    centre = []
    for axis in (2, 1):
        hits = np.flatnonzero(body.any(axis=tuple(a for a in range(3) if a != axis)))
        index = (hits[0] + hits[-1]) / 2 * steps[2 - axis]
        centre.append(ct.origin_mm[2 - axis] + ct.spacing_mm[2 - axis] * index)
    return float(centre[0]), float(centre[1])


def window(hu: torch.Tensor, window_hu: tuple[float, float]) -> torch.Tensor:
    """HU mapped to 0..1 over a window and clipped."""
    low, high = window_hu
    return ((hu - low) / (high - low)).clamp(0, 1)
