"""How a projection changes as the body moves: analytic derivatives of Joseph's sums.

With slices k along a ray's principal axis a, places p_b = s_b + (k - s_a) m_b and alike for c, and
slopes m = d_b / d_a, the image is L sum V(p_b, p_c) with L = |ray| / |d_a|. Its derivatives need
only the sums of V's slopes in the slice and of (k - s_a) times them: an engine's jet.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bmdpipe.geometry.camera import Camera
from bmdpipe.projection.body import Body
from bmdpipe.projection.engines import EngineName, engine_named
from bmdpipe.projection.rays import Rays
from bmdpipe.projection.rows import AXES
from bmdpipe.projection.threads import allowed_threads
from bmdpipe.projection.views import image_size, views_of

MOTIONS = 6


def project_with_gradient(
    body: Body,
    camera: Camera,
    camera_from_world: NDArray,
    centre_mm: NDArray,
    *,
    engine: EngineName = "auto",
    threads: int | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """An image `[h, w]` and its change `[6, h, w]` per radian and per mm of the body's motion.

    The motion is that of `geometry.pose.about`: rotations about x, y, z through `centre_mm` (camera
    frame), then shifts, all along the camera's axes.
    """
    height, width = image_size(camera)
    views = views_of(body, camera, np.asarray(camera_from_world)[None])
    jet = np.zeros((1, 5, height, width), np.float32)
    engine_named(engine).add_jet(body, views, jet, allowed_threads(threads))
    rays = Rays.of(views[0], height, width)
    by_source, by_direction = _by_ray(jet[0].astype(np.float64), rays)
    turn = views[0, :12].reshape(3, 4)[:, :3]
    # A body's motion is the opposite motion of source and pixel: x -> x - w x (x - centre) - v.
    source_force, pixel_force = by_source @ turn, by_direction @ turn
    change = np.empty((MOTIONS, height, width), np.float32)
    change[:3] = np.moveaxis(
        np.cross(np.asarray(centre_mm, float), source_force) - np.cross(rays.ends_mm, pixel_force),
        -1,
        0,
    )
    change[3:] = np.moveaxis(-source_force, -1, 0)
    return jet[0, 0], change


def _by_ray(
    jet: NDArray[np.float64], rays: Rays
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Derivatives `[h, w, 3]` with respect to the ray's source and direction, in voxels."""
    by_source = np.zeros_like(rays.direction)
    by_direction = np.zeros_like(rays.direction)
    for a, b, c in AXES:
        chosen = rays.axis == a
        d = rays.direction[chosen]
        value, slope_b, slope_tb, slope_c, slope_tc = jet[:, chosen]
        m_b, m_c = d[:, b] / d[:, a], d[:, c] / d[:, a]
        for axis, of_source, of_direction in (
            (b, slope_b, slope_tb / d[:, a]),
            (c, slope_c, slope_tc / d[:, a]),
            (
                a,
                -(m_b * slope_b + m_c * slope_c),
                -(m_b * slope_tb + m_c * slope_tc + value) / d[:, a],
            ),
        ):
            by_source[chosen, axis] = of_source
            by_direction[chosen, axis] = of_direction
    return by_source, by_direction
