"""What the CT of a vertebra is compared with: density of the core and a DXA value."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.config.virtual.lumbar import LumbarConfig
from bmdpipe.geometry.pose import Matrix
from bmdpipe.virtual.demographics import stream
from bmdpipe.virtual.lumbar.bones import Bones, FineGrid, local_points
from bmdpipe.virtual.lumbar.traits import VertebraTraits

LEAST_MG_CM2 = 200.0
"""A DXA pixel with less mineral is not taken for bone (unverified)."""


def core_mask(traits: VertebraTraits, pose: Matrix, grid: FineGrid) -> NDArray[np.bool_]:
    """The trabecular core at mid-height, an ellipse in front of the basivertebral foramen.

    As quantitative CT places its region: 9 mm thick, away from cortex and veins.
    """
    x, y, z = np.moveaxis(local_points(grid, pose), -1, 0)
    a, b = 0.5 * traits.width, 0.5 * traits.depth
    inside = (x / (0.58 * a)) ** 2 + ((y + 0.22 * b) / (0.48 * b)) ** 2 < 1.0
    return inside & (np.abs(z) <= max(4.5, 0.51 * grid.spacing_mm[2]))


def true_abmd(bones: Bones, traits: VertebraTraits, pose: Matrix, grid: FineGrid) -> float:
    """Areal density from front to back between the mid-planes of the discs, g/cm2.

    Everything that holds mineral counts, as in DXA: the posterior elements, those of the neighbours
    that reach in, osteophytes, and calcium of the aorta before the spine.
    """
    projected = bones.density.sum(axis=1) * np.float32(grid.spacing_mm[1] / 10.0)
    z = grid.origin_mm[2] + grid.spacing_mm[2] * np.arange(grid.size[2]) - pose[2, 3]
    x = grid.origin_mm[0] + grid.spacing_mm[0] * np.arange(grid.size[0]) - pose[0, 3]
    rows = np.abs(z) <= 0.5 * (traits.height + traits.disc)
    columns = np.abs(x) <= 0.5 * traits.width + 5.0
    region = projected[rows][:, columns]
    bone = region > LEAST_MG_CM2
    if not bone.any():
        raise ValueError("no bone in the DXA region")
    return float(region[bone].mean()) / 1000.0


def dxa_reading(config: LumbarConfig, number: int, abmd_g_cm2: float) -> float:
    """The scanner's value: the subject's own bias and the error of precision."""
    z = np.clip(stream(config.seed, number, "dxa").standard_normal(2), -3, 3)
    return abmd_g_cm2 * float(
        np.exp(config.dxa_accuracy_cv * z[0]) * (1.0 + config.dxa_precision_cv * z[1])
    )
