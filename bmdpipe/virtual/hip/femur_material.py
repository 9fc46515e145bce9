"""A femur's material on a coarse lattice of its own frame: cortex, trabecular bone, texture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.config.virtual.density import BoneDensityConfig
from bmdpipe.virtual.hip.cortex import cortex_mm
from bmdpipe.virtual.hip.femur_frame import FemurFrame
from bmdpipe.virtual.hip.femur_space import FemurSpace
from bmdpipe.virtual.hip.mineral import Mineral
from bmdpipe.virtual.hip.trabeculae import families, trabecular_mg_cm3
from bmdpipe.virtual.shape.material import CHANNELS, Material

STEP_MM = 3.5
"""The fields are smooth over centimetres."""
GRAIN_MM = (1.7, 9.0, 18.0)


def femur_material(frame: FemurFrame, mineral: Mineral, config: BoneDensityConfig) -> Material:
    """Cortex and trabecular density with the two families of trabeculae."""
    t, s = frame.traits, frame.traits.scale
    low = np.array([-1.5 * t.head_radius_mm, -42.0 * s, frame.joint[2] - 300.0 * s])
    high = np.array([frame.joint[0] + 42.0 * s, frame.joint[1] + 42.0 * s, 32.0 * s])
    size = np.ceil((high - low) / STEP_MM).astype(int) + 1
    x, y, z = (low[a] + STEP_MM * np.arange(size[a]) for a in range(3))
    local = np.stack(np.meshgrid(z, y, x, indexing="ij")[::-1], axis=-1)
    space = FemurSpace.of(frame, local)
    values = np.empty((*local.shape[:3], CHANNELS), np.float32)
    values[..., 0] = cortex_mm(space, mineral)
    values[..., 1] = trabecular_mg_cm3(space, mineral)
    for k, family in enumerate(families(space)):
        values[..., 2 + 3 * k] = family.amplitude
        values[..., 3 + 3 * k] = family.across_mm
        values[..., 4 + 3 * k] = family.along_mm
    return Material(values, _index_from_world(frame, low), config.texture_amplitude, GRAIN_MM)


def _index_from_world(frame: FemurFrame, low: NDArray) -> NDArray[np.float64]:
    """Lattice index x, y, z and depth in the neck's plane, from LPS mm."""
    turn = frame.place.T
    rows = np.vstack([turn / STEP_MM, frame.backward @ turn])
    shift = -rows @ frame.centre_mm
    shift[:3] -= low / STEP_MM
    return np.column_stack([rows, shift])
