"""The signed distance to a bone's surface, and rays that leave the bone through it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from bmdpipe.core.volume import Volume, bounding_slices

COARSE_MM = 1.2
BORDER_MM = 6.0


@dataclass(frozen=True)
class DistanceField:
    """Distance to the surface `[z, y, x]`, mm, positive inside; clamped far from the bone."""

    values: NDArray[np.float32]
    index_from_world: NDArray[np.float64]

    @classmethod
    def of(cls, volume: Volume, mask: NDArray[np.bool_]) -> DistanceField:
        """The field of a mask on a volume's grid, holes filled, at a pixel not much under 1.2 mm.

        Raises ValueError if the mask is empty.
        """
        z, y, x = bounding_slices(mask)
        box = volume.crop(z, y, x)
        solid = np.stack([ndimage.binary_fill_holes(image) for image in mask[z, y, x]])
        factors = [max(int(COARSE_MM / s), 1) for s in box.spacing_mm[::-1]]
        solid, world_from_index = _thinned(solid, box.world_from_index, factors)
        spacing = np.linalg.norm(world_from_index[:3, :3], axis=0)
        margin = [int(np.ceil(BORDER_MM / s)) for s in spacing[::-1]]
        solid = np.pad(solid, [(m, m) for m in margin])
        index_from_world = np.linalg.inv(world_from_index)
        index_from_world[:3, 3] += margin[::-1]
        inside = _distance(solid, spacing)
        values = (inside - _distance(~solid, spacing)) / np.float32(2)
        return cls(values.astype(np.float32), np.asarray(index_from_world, dtype=float))

    def at(self, points_mm: NDArray) -> NDArray[np.float32]:
        """Distances at world points `[..., 3]`."""
        index = np.asarray(points_mm) @ self.index_from_world[:3, :3].T
        index += self.index_from_world[:3, 3]
        flat = index.reshape(-1, 3).T[::-1].astype(np.float32)
        sampled = ndimage.map_coordinates(self.values, flat, order=1, mode="nearest")
        return sampled.reshape(index.shape[:-1])

    def exits(
        self, starts_mm: NDArray, directions: NDArray, reach_mm: float, step_mm: float = 1.0
    ) -> NDArray[np.float64]:
        """How far a ray from inside goes until it leaves the bone: starts and unit directions
        `[..., 3]`. NaN where it starts outside; `reach_mm` where it does not leave in time."""
        steps = np.arange(0.0, reach_mm + step_mm, step_mm)
        starts, along = np.broadcast_arrays(starts_mm, directions)
        values = self.at(starts[..., None, :] + steps[:, None] * along[..., None, :])
        outside = values <= 0
        first = np.argmax(outside, axis=-1)
        after = np.take_along_axis(values, first[..., None], -1)[..., 0]
        before = np.take_along_axis(values, np.maximum(first - 1, 0)[..., None], -1)[..., 0]
        drop = np.maximum(before - after, 1e-6)
        distance = (first - 1 + before / drop) * step_mm
        distance = np.where(outside.any(axis=-1), distance, reach_mm)
        return np.asarray(np.where(values[..., 0] > 0, distance, np.nan), dtype=float)


def _thinned(
    mask: NDArray[np.bool_], world_from_index: NDArray, factors: list[int]
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """The mask on blocks of `factors` (z, y, x) voxels: bone where at least half of them are."""
    if max(factors) == 1:
        return mask, world_from_index
    padded = np.pad(mask, [(0, -n % f) for n, f in zip(mask.shape, factors, strict=True)])
    fz, fy, fx = factors
    nz, ny, nx = (n // f for n, f in zip(padded.shape, factors, strict=True))
    blocks = padded.reshape(nz, fz, ny, fy, nx, fx).mean(axis=(1, 3, 5), dtype=np.float32)
    block_from_voxel = np.diag([fx, fy, fz, 1.0])
    block_from_voxel[:3, 3] = (np.array([fx, fy, fz]) - 1) / 2
    return blocks >= 0.5, world_from_index @ block_from_voxel


def _distance(mask: NDArray[np.bool_], spacing_xyz: NDArray) -> NDArray[np.float32]:
    """Distance to the mask's border voxels, positive inside."""
    image = sitk.GetImageFromArray(mask.astype(np.uint8))
    image.SetSpacing(spacing_xyz.tolist())
    signed = sitk.SignedMaurerDistanceMap(
        image, insideIsPositive=True, squaredDistance=False, useImageSpacing=True
    )
    return sitk.GetArrayFromImage(signed)
