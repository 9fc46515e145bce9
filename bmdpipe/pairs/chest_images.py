"""Chest radiographs as the networks see them: one size, 1 % saturated at each end, 0 to 1."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bmdpipe.core.config.bone_suppression import BoneSuppressionConfig
from bmdpipe.core.errors import CaseError
from bmdpipe.imaging.chest_picture import read_chest
from bmdpipe.pairs.chest_cases import ChestCase


def radiograph(case: ChestCase, config: BoneSuppressionConfig) -> NDArray[np.float32]:
    """`[y, x]`; raises CaseError as `read_chest` does, and E_EMPTY on a constant picture."""
    image = _fitted(read_chest(case.radiograph, case.case), config.size_px)
    return _stretched(image, _limits(image, case.case, config.saturated))


def pair(case: ChestCase, config: BoneSuppressionConfig) -> NDArray[np.float32]:
    """The radiograph and its twin `[2, y, x]`. A twin in the same grey values goes through the
    radiograph's limits, so that what is left between them is bone; else it has its own."""
    if case.suppressed is None:
        raise CaseError("E_MISSING_FILE", case.case, "there is no bone-suppressed twin")
    image = _fitted(read_chest(case.radiograph, case.case), config.size_px)
    twin = _fitted(read_chest(case.suppressed, case.case), config.size_px)
    limits = _limits(image, case.case, config.saturated)
    others = limits if case.same_scale else _limits(twin, case.case, config.saturated)
    return np.stack([_stretched(image, limits), _stretched(twin, others)])


def finding(case: ChestCase, config: BoneSuppressionConfig) -> NDArray[np.bool_] | None:
    """Where the known finding is, if that is known."""
    if case.finding is None:
        return None
    mask = read_chest(case.finding, case.case) > 0
    return _fitted(mask.astype(np.float32), config.size_px) >= 0.5


def _fitted(image: NDArray[np.float32], size_px: int) -> NDArray[np.float32]:
    """The middle square at a size: pixels are averaged where they become larger."""
    edge = min(image.shape)
    top, left = (image.shape[0] - edge) // 2, (image.shape[1] - edge) // 2
    square = Image.fromarray(image[top : top + edge, left : left + edge])
    how = Image.Resampling.BOX if edge % size_px == 0 else Image.Resampling.BILINEAR
    return np.array(square.resize((size_px, size_px), how), dtype=np.float32)


def _limits(image: NDArray[np.float32], case: str, share: float) -> tuple[float, float]:
    low, high = np.quantile(image, [share, 1 - share])
    if not high > low:
        raise CaseError("E_EMPTY", case, "the picture is constant")
    return float(low), float(high)


def _stretched(image: NDArray[np.float32], limits: tuple[float, float]) -> NDArray[np.float32]:
    low, high = limits
    return np.clip((image - low) / (high - low), 0, 1).astype(np.float32)
