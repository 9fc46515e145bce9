"""How evenly the unattenuated beam fills the detector, and the panel's correction of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bmdpipe.geometry.camera import Camera
from bmdpipe.virtual.xray.filters import coarser, enlarged
from bmdpipe.virtual.xray.tables import HEEL, HEEL_DEG

RASTER_MM = 4.0
"""The beam is smooth: it is worked out on this raster at the detector."""


def profile(camera: Camera, anode_up: bool) -> NDArray[np.float32]:
    """Beam `[y, x]` over that on the central ray: inverse square, slant, and the heel effect along
    the body; the anode lies towards the head or towards the feet."""
    width, height = camera.size_px
    factor = max(round(RASTER_MM / camera.spacing_mm[0]), 1)
    small = coarser(camera, factor)
    cu, cv = small.principal_point_px
    across = (np.arange(small.size_px[0]) - cu) * small.spacing_mm[0]
    along = (np.arange(small.size_px[1]) - cv) * small.spacing_mm[1]
    angle = np.rad2deg(np.arctan(along / camera.sdd_mm)) * (-1.0 if anode_up else 1.0)
    heel = np.interp(angle, HEEL_DEG, HEEL)
    squared = (across[None, :] ** 2 + along[:, None] ** 2) / camera.sdd_mm**2
    even = (heel[:, None] * (1.0 + squared) ** -1.5).astype(np.float32)
    return enlarged(even, (height, width), factor)


def gain_map(camera: Camera, anode_up: bool) -> NDArray[np.float32]:
    """What the panel divides by: the profile with the tube over its middle."""
    return profile(Camera.centred(camera.sdd_mm, camera.spacing_mm, camera.size_px), anode_up)
