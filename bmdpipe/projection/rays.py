"""The rays of one view in a body's index coordinates, for work that is not worth compiling."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Rays:
    """`source` `[3]` and, by pixel, `direction` `[h, w, 3]` (source to pixel) in voxels x, y, z;
    the principal `axis` `[h, w]`; `ends_mm` `[h, w, 3]`: the pixels' centres in the camera frame.
    """

    source: NDArray[np.float64]
    direction: NDArray[np.float64]
    axis: NDArray[np.int64]
    ends_mm: NDArray[np.float64]

    @classmethod
    def of(cls, view: NDArray[np.float64], height: int, width: int) -> Rays:
        matrix = view[:12].reshape(3, 4)
        sdd, su, sv, cu, cv = view[12:]
        u, v = np.meshgrid(np.arange(width), np.arange(height))
        ends = np.stack([(u - cu) * su, (v - cv) * sv, np.full(u.shape, sdd)], axis=-1)
        direction = ends @ matrix[:, :3].T
        return cls(matrix[:, 3], direction, np.abs(direction).argmax(axis=-1), ends)
