"""A bone's border on the CT's own voxels, finer than the network's: doubt settled by density, and
marrow."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor
from torch.nn import functional

from bmdpipe.core.labels import FEMUR_L, FEMUR_R, PELVIS
from bmdpipe.core.volume import Volume, bounding_slices

CLIPPED_HU = (-150.0, 550.0)
"""Fat and denser cortex say no more about a border than these (own choice)."""


def classes_at(
    shares: Tensor, hu: Tensor, border_hu: float | None, weight: float, reach_px: int
) -> Tensor:
    """The class of each voxel, uint8 `[y, x]`, from the shares of all classes but background
    `[class, y, x]` on the same voxels, and their HU.

    Bone is where the bones' share is more than a half. Within `reach_px` of that border it is where
    the share's logit, plus `weight` per 100 HU above `border_hu`, is positive: half of a voxel and
    half of cortex' density meet at a border, and each settles the other's doubt. Of the bones the
    one with most share is meant.
    """
    found = shares.sum(dim=0)
    bone = found > 0.5
    if border_hu is not None and reach_px > 0:
        denser = (hu.clamp(*CLIPPED_HU) - border_hu) / 100
        settled = torch.logit(found.clamp(1e-6, 1 - 1e-6)) + weight * denser > 0
        bone = torch.where(_near(bone, reach_px) & _near(~bone, reach_px), settled, bone)
    return torch.where(bone, shares.argmax(dim=0) + 1, 0).to(torch.uint8)


def _near(mask: Tensor, reach_px: int) -> Tensor:
    """What lies in the mask `[y, x]` or within a square of `reach_px` of it."""
    wide = functional.max_pool2d(mask[None, None].float(), 2 * reach_px + 1, 1, reach_px)
    return wide[0, 0] > 0


CANCELLOUS_HU = 80.0
"""What lies in the canal and the foramina of the pelvis is darker (own choice)."""


def without_holes(labels: Volume, ct: Volume) -> Volume:
    """The label map with holes filled: what cortex surrounds belongs to the bone.

    The marrow of a shaft, as dark as the fat around it, is filled slice by slice. The canal and the
    foramina of the pelvis are no bone but may look closed in a slice: its holes are filled where
    they are as dense as cancellous bone in the mean, or closed in 3D but for gaps of a voxel.
    """
    array = labels.array.copy()
    in_slice = ndimage.generate_binary_structure(3, 1)
    in_slice[[0, 2]] = False
    for label in (FEMUR_R, FEMUR_L):
        mask = labels.array == label
        if mask.any():
            box = bounding_slices(mask, 1)
            near = array[box]
            near[ndimage.binary_fill_holes(mask[box], in_slice) & (near == 0)] = label
    pelvis = labels.array == PELVIS
    if pelvis.any():
        box = bounding_slices(pelvis, 2)
        near, mask = array[box], pelvis[box]
        holes, count = ndimage.label(ndimage.binary_fill_holes(mask, in_slice) & ~mask, in_slice)
        if count:
            dense = ndimage.mean(ct.array[box], holes, np.arange(1, count + 1)) > CANCELLOUS_HU
            near[np.append(False, dense)[holes] & (near == 0)] = PELVIS
        closed = ndimage.binary_closing(mask)
        cavities = ndimage.binary_fill_holes(closed) & ~closed
        rim = ndimage.binary_dilation(cavities) & closed
        near[(cavities | rim) & (near == 0)] = PELVIS
    return labels.like(array, labels.unit)
