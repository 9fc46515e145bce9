"""Metal in a CT: implants are brighter than any bone, and hide what lies beside them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bmdpipe.core.labels import SIDES
from bmdpipe.core.volume import Volume, bounding_slices

METAL_HU = 2500.0
"""Cortical bone stays below about 2000 HU; titanium lies above what 12 bits hold, 3071 HU."""
BODY_HU = -300
LEAST_ML = 1.0
"""Less is a clip, a wire or noise, and no implant (own choice)."""
SOFT_HU, RIM_HU, RIM_MM = 40, 1000, 3.0
"""What metal is shown as; what blurred metal exceeds; how far it blurs."""


def metal(ct: Volume) -> NDArray[np.bool_]:
    """Where a CT in HU shows metal."""
    return np.asarray(ct.array > METAL_HU)


def metal_sides(ct: Volume) -> tuple[str, ...]:
    """The sides of a canonical CT in HU, of the middle of the body, that hold an implant's worth of
    metal."""
    found = metal(ct).sum(axis=(0, 1))
    if found.sum() * ct.voxel_mm3 < 1000.0 * LEAST_ML:
        return ()
    body = (ct.array > BODY_HU).sum(axis=(0, 1))
    middle = float(body @ np.arange(len(body)) / body.sum())
    right = np.arange(len(body)) < middle
    ml = {"R": found[right].sum(), "L": found[~right].sum()}
    return tuple(side for side in SIDES if ml[side] * ct.voxel_mm3 >= 1000.0 * LEAST_ML)


def without_metal(ct: Volume) -> Volume:
    """The CT with metal, and the bright rim that it blurs into, shown as soft tissue.

    What has learned bone then sees none in an implant. The same volume if there is no metal.
    """
    found = metal(ct)
    if not found.any():
        return ct
    reach = [int(np.ceil(RIM_MM / s)) for s in ct.spacing_mm]
    box = bounding_slices(found, max(reach))
    part, size = ct.array[box], [2 * n + 1 for n in reach[::-1]]
    rim = ndimage.grey_dilation(found[box], size=size) & (part > RIM_HU)
    array = ct.array.copy()
    array[box] = np.where(rim | found[box], SOFT_HU, part).astype(array.dtype)
    return ct.like(array, ct.unit)
