"""What the network tells apart: both femora are one class, their side follows from anatomy.

A 2D slice does not show a side reliably; so the network learns none, and mirroring a slice is a
valid augmentation.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.labels import BACKGROUND, FEMUR_L, FEMUR_R, PELVIS

CLASSES = ("background", "pelvis", "femur")
PELVIS_CLASS, FEMUR_CLASS = 1, 2

_CLASS_OF_LABEL = np.zeros(4, dtype=np.uint8)
_CLASS_OF_LABEL[[BACKGROUND, PELVIS, FEMUR_R, FEMUR_L]] = (
    0,
    PELVIS_CLASS,
    FEMUR_CLASS,
    FEMUR_CLASS,
)


def classes_of(labels: NDArray) -> NDArray[np.uint8]:
    """The network's classes of a label map; raises ValueError on an unknown label."""
    if labels.size and (labels.min() < 0 or labels.max() >= len(_CLASS_OF_LABEL)):
        raise ValueError(f"unknown label {int(labels.max())}; labels are 0 to 3")
    return _CLASS_OF_LABEL[labels.astype(np.uint8)]
