"""Cameras and poses as the plain numbers that compiled engines take."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bmdpipe.geometry.camera import Camera
from bmdpipe.geometry.pose import inverse
from bmdpipe.projection.body import Body

Views = NDArray[np.float64]
"""`[n, 17]`: `index_from_camera` `[3, 4]` row by row, then sdd_mm, spacing_mm and principal point
(x before y). A pixel's ray runs from the camera's origin to the pixel's centre on the detector."""


def views_of(body: Body, camera: Camera | Sequence[Camera], camera_from_world: NDArray) -> Views:
    """Views of a body at poses `[n, 4, 4]`, all by one camera or each by its own."""
    poses = np.asarray(camera_from_world, dtype=np.float64)
    cameras = [camera] * len(poses) if isinstance(camera, Camera) else list(camera)
    if len(cameras) != len(poses):
        raise ValueError(f"{len(cameras)} cameras do not fit {len(poses)} poses")
    if len({c.size_px for c in cameras}) > 1:
        raise ValueError("cameras of one batch need images of one size")
    views = np.empty((len(poses), 17))
    views[:, :12] = (body.index_from_world @ inverse(poses))[:, :3, :].reshape(-1, 12)
    views[:, 12:] = np.array(
        [[c.sdd_mm, *c.spacing_mm, *c.principal_point_px] for c in cameras]
    ).reshape(-1, 5)
    return views


def image_size(camera: Camera | Sequence[Camera]) -> tuple[int, int]:
    """Height and width of a camera's or of all cameras' images."""
    one = camera if isinstance(camera, Camera) else camera[0]
    return one.size_px[1], one.size_px[0]
