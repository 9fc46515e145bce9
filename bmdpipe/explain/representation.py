"""What the training stages have made of the representation (Gu 2023, Fig. 2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bmdpipe.explain.components import first_component

Encode = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class StagePicture:
    """The first component of a stage's representation, `[n, h', w']` on the representation's grid,
    and the share of its variance that it holds."""

    scores: NDArray[np.float64]
    explained: float


def by_stage(encoders: Mapping[str, Encode], images: Tensor) -> dict[str, StagePicture]:
    """One picture per stage of images `[n, c, h, w]`; a stage's component is common to all
    images, so that they can be compared."""
    pictures = {}
    for stage, encode in encoders.items():
        with torch.no_grad():
            representation = encode(images).cpu().numpy()
        found = first_component(representation.swapaxes(0, 1))
        pictures[stage] = StagePicture(found.scores, found.explained)
    return pictures
