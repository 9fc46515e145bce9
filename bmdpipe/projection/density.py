"""Density projections: line integrals of bone mineral density, in mg/cm2 along the ray."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bmdpipe.geometry.camera import Camera
from bmdpipe.projection.body import Body
from bmdpipe.projection.projector import project

MM_PER_CM = 10.0


def density_projection(
    bodies: Sequence[tuple[Body, NDArray]], camera: Camera
) -> NDArray[np.float32]:
    """The sum over bodies, each at its own pose `camera_from_world`, `[h, w]` in mg/cm2.

    Raises ValueError if a body's unit is not mg/cm3.
    """
    width, height = camera.size_px
    for body, _ in bodies:
        if body.unit != "mg/cm3":
            raise ValueError(f"a density projection needs mg/cm3, not {body.unit}")
    if not bodies:
        return np.zeros((height, width), np.float32)
    shadows = project([body for body, _ in bodies], camera, [pose for _, pose in bodies])
    return shadows / np.float32(MM_PER_CM)
