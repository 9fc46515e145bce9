"""What a coarse network misses of a bone: its thin dense shell, its marrow."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from bmdpipe.core.labels import BODIES, FEMUR_L, FEMUR_R
from bmdpipe.core.volume import Volume, bounding_slices


def with_shell(labels: Volume, ct: Volume, shell_hu: float, reach_mm: float) -> Volume:
    """The label map with the background voxels of at least `shell_hu` that lie beside a bone.

    Bones grow together, pixel by pixel in their slices, up to `reach_mm`, through such voxels only,
    and never into each other.
    """
    array = labels.array.copy()
    if not array.any():
        return labels
    steps = int(reach_mm / labels.spacing_mm[0])
    box = bounding_slices(array > 0, steps + 1)
    near = array[box]
    dense = ct.array[box] >= shell_hu
    beside = ndimage.generate_binary_structure(3, 1)
    beside[[0, 2]] = False
    for _ in range(steps):
        free = dense & (near == 0)
        grown = [
            (label, ndimage.binary_dilation(near == label, beside)) for label in BODIES.values()
        ]
        for label, mask in grown:
            near[free & mask & (near == 0)] = np.uint8(label)
    return labels.like(array, labels.unit)


def without_holes(labels: Volume) -> Volume:
    """The label map with the femora's holes filled, slice by slice: the marrow of a shaft is as
    dark as the fat around it, but what cortex surrounds belongs to the bone."""
    array = labels.array.copy()
    in_slice = ndimage.generate_binary_structure(3, 1)
    in_slice[[0, 2]] = False
    for label in (FEMUR_R, FEMUR_L):
        mask = labels.array == label
        if mask.any():
            box = bounding_slices(mask, 1)
            near = array[box]
            near[ndimage.binary_fill_holes(mask[box], in_slice) & (near == 0)] = label
    return labels.like(array, labels.unit)
