"""A label map on another grid of the same world."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import affine_transform

from bmdpipe.core.volume import Volume


def labels_on(labels: Volume, grid: Volume) -> Volume:
    """The label map at the voxel centres of another volume's grid, by the nearest voxel; background
    outside. The map itself if the grids agree to 1e-3 voxels."""
    index_from_index = np.linalg.inv(labels.world_from_index) @ grid.world_from_index
    same_shape = labels.array.shape == grid.array.shape
    if same_shape and np.allclose(index_from_index, np.eye(4), atol=1e-3):
        return labels
    reverse = index_from_index[:3, :3][::-1, ::-1]
    array = affine_transform(
        labels.array,
        reverse,
        offset=index_from_index[:3, 3][::-1],
        output_shape=grid.array.shape,
        order=0,
        cval=0,
    )
    return Volume(array, grid.spacing_mm, grid.origin_mm, labels.unit, grid.direction)
