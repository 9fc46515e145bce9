"""What a moving image is compared with when a population of poses is scored."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Measure(Protocol):
    """Gradient correlation's fixed side (`bmdpipe.registration.similarity`).

    `smooth` and `slope` `[2 r + 1]` are the kernels; `fixed` `[2, h - 2 r, w - 2 r]` the weighted x
    and y derivatives with mean 0 and norm 1; `weight` `[h - 2 r, w - 2 r]` says which pixels count.
    """

    @property
    def smooth(self) -> NDArray[np.float32]: ...
    @property
    def slope(self) -> NDArray[np.float32]: ...
    @property
    def fixed(self) -> NDArray[np.float32]: ...
    @property
    def weight(self) -> NDArray[np.float32]: ...


def image_shape(measure: Measure) -> tuple[int, int]:
    """Height and width of the images that fit."""
    border = len(measure.smooth) - 1
    height, width = measure.weight.shape
    return height + border, width + border
