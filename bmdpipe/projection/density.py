"""Density projections: line integrals of bone mineral density, in mg/cm2 along the ray.

Those of uncalibrated CT are in HU cm (Gu 2023 §4.2.5).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bmdpipe.geometry.camera import Camera
from bmdpipe.projection.body import Body
from bmdpipe.projection.engines import EngineName
from bmdpipe.projection.projector import project

MM_PER_CM = 10.0
UNITS = ("mg/cm3", "HU")


def density_projection(
    bodies: Sequence[tuple[Body, NDArray]], camera: Camera, engine: EngineName = "auto"
) -> NDArray[np.float32]:
    """The sum over bodies, each at its own pose `camera_from_world`, `[h, w]` in mg/cm2, or HU cm.

    Raises ValueError if a body's unit is neither mg/cm3 nor HU, or the units differ.
    """
    width, height = camera.size_px
    found = {body.unit for body, _ in bodies}
    if len(found) > 1 or not found <= set(UNITS):
        raise ValueError(f"a density projection needs mg/cm3 or HU, not {', '.join(sorted(found))}")
    if not bodies:
        return np.zeros((height, width), np.float32)
    shadows = project(
        [body for body, _ in bodies], camera, [pose for _, pose in bodies], engine=engine
    )
    return shadows / np.float32(MM_PER_CM)
