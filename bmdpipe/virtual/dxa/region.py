"""The total-hip region of a DXA picture: two cuts, and the bone's edge between them.

Source: Uemura et al. 2022, Arch Osteoporos: cut across the head-neck junction and 2 cm distal to
the lesser trochanter, as Gu et al. 2023 take it for the proximal femur.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_fill_holes, label

from bmdpipe.geometry.landmarks import JUNCTION


@dataclass(frozen=True)
class Placement:
    """How far the operator sets the cuts off: the distal one downwards and the proximal one towards
    the shaft in mm, the proximal one's tilt in degrees."""

    distal_mm: float = 0.0
    proximal_mm: float = 0.0
    tilt_deg: float = 0.0


EXACT = Placement()


def total_hip(
    bone: NDArray[np.bool_],
    pixels: Mapping[str, NDArray[np.float64]],
    pixel_mm: float,
    placement: Placement = EXACT,
) -> NDArray[np.bool_]:
    """The largest connected part of `bone` between the cuts, with what thin bone it encloses.

    Raises ValueError if none is left.
    """
    height, width = bone.shape
    rows, columns = np.mgrid[:height, :width].astype(float)
    points = np.array([pixels[name] for name in JUNCTION])
    middle = points.mean(axis=0)
    line = np.linalg.svd(points - middle)[2][0]
    across = np.array([-line[1], line[0]])
    across *= np.sign(across @ (pixels["neck_centre"] - pixels["head_centre"]))
    middle = middle + across * placement.proximal_mm / pixel_mm
    turn = np.radians(placement.tilt_deg)
    across = np.array(
        [
            np.cos(turn) * across[0] - np.sin(turn) * across[1],
            np.sin(turn) * across[0] + np.cos(turn) * across[1],
        ]
    )
    beyond = (columns - middle[0]) * across[0] + (rows - middle[1]) * across[1] >= 0
    above = rows <= pixels["shaft_2cm"][1] + placement.distal_mm / pixel_mm
    parts, _ = label(bone & beyond & above)
    counts = np.bincount(parts.ravel())
    counts[0] = 0
    if counts.max() == 0:
        raise ValueError("no bone lies between the cuts")
    return np.asarray(binary_fill_holes(parts == int(counts.argmax())))
