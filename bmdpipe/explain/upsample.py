"""Coarse maps brought to the size of the image that they explain."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional

MODES = {1: "linear", 2: "bilinear", 3: "trilinear"}


def to_size(maps: Tensor, size: Sequence[int]) -> Tensor:
    """Maps `[n, ...]` of one to three spatial axes, interpolated linearly to the size."""
    mode = MODES[maps.ndim - 1]
    return functional.interpolate(maps[:, None], tuple(size), mode=mode, align_corners=False)[:, 0]
