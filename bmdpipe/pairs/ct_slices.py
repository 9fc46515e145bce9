"""What the value network sees of a CT: axial slices about the vertebral body, whole or masked.

HU go through one fixed window; nothing of an image is scaled by its own or another image's values.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.config.ct_bmd import CtBmdConfig, Region
from bmdpipe.core.errors import CaseError
from bmdpipe.core.volume import Volume
from bmdpipe.pairs.ct_cases import BODY
from bmdpipe.segmentation.grid import axis_weights


def views(
    ct: Volume, labels: Volume, case: str, config: CtBmdConfig
) -> dict[Region, NDArray[np.float32]]:
    """Per region the slices `[slices, y, x]` about mid-height of the body, 0 to 1.

    The field is centred on the body's slice at mid-height; what a mask leaves out is 0.
    Raises CaseError if there is no body or the CT ends too early.
    """
    body = labels.array == BODY
    heights = np.flatnonzero(body.any(axis=(1, 2)))
    if not len(heights):
        raise CaseError("E_SEGMENTATION", case, "no vertebral body is labelled")
    middle = int(heights[len(heights) // 2])
    half = config.slices // 2
    if middle < half or middle + half >= len(body):
        raise CaseError("E_MISSING_SLICE", case, f"not {config.slices} slices about mid-height")
    part = slice(middle - half, middle + half + 1)
    to_y, to_x = (_weights(ct, body[middle], axis, config) for axis in (1, 0))
    low, high = config.window_hu
    hu = to_y @ (ct.array[part].astype(np.float32) - low) @ to_x.T + low
    image = np.clip((hu - low) / (high - low), 0, 1)

    def masked(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
        share = to_y @ mask[part].astype(np.float32) @ to_x.T
        return np.where(share >= 0.5, image, 0).astype(np.float32)

    every: dict[Region, NDArray[np.float32]] = {
        "cropped": image.astype(np.float32),
        "vertebra": masked(labels.array > 0),
        "body": masked(body),
    }
    return {region: every[region] for region in config.regions}


def _weights(
    ct: Volume, body: NDArray[np.bool_], axis: int, config: CtBmdConfig
) -> NDArray[np.float32]:
    """Weights `[pixels, voxels]` along x (0) or y (1) for the field about the body's middle."""
    spacing, origin, count = ct.spacing_mm[axis], ct.origin_mm[axis], ct.size[axis]
    places = np.nonzero(body)[1 - axis]
    centre = origin + spacing * 0.5 * float(places.min() + places.max())
    pixel = config.field_mm / config.size_px
    first = centre - 0.5 * (config.size_px - 1) * pixel
    return axis_weights((config.size_px, pixel, first), (count, spacing, origin))
