"""Line integrals through bodies: the one way in, whatever the model and the engine."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bmdpipe.geometry.camera import Camera
from bmdpipe.projection.body import Body
from bmdpipe.projection.engines import EngineName, engine_named
from bmdpipe.projection.fineness import Fineness, Method
from bmdpipe.projection.measure import Measure, image_shape
from bmdpipe.projection.threads import allowed_threads
from bmdpipe.projection.views import image_size, views_of

Poses = NDArray | Sequence[NDArray]


def project(
    bodies: Body | Sequence[Body],
    camera: Camera | Sequence[Camera],
    camera_from_world: Poses,
    *,
    method: Method = "joseph",
    engine: EngineName = "auto",
    fineness: Fineness = "standard",
    threads: int | None = None,
) -> NDArray[np.float32]:
    """Line integrals in value x mm: `[h, w]` for one pose `[4, 4]`, `[n, h, w]` for `[n, 4, 4]`.

    The camera looks at the bodies' world through `camera_from_world`; only the part of a ray
    between source and detector counts. Several bodies take as many pose arrays and are summed; a
    camera for each pose may be given. `fineness` is for the factored method alone. Raises
    ValueError for what does not fit together.
    """
    many, poses = _paired(bodies, camera_from_world, camera)
    height, width = image_size(camera)
    images = np.zeros((len(poses[0]), height, width), np.float32)
    worker, count = engine_named(engine), allowed_threads(threads)
    for body, own in zip(many, poses, strict=True):
        views = views_of(body, camera, own)
        if method == "joseph":
            worker.add_joseph(body, views, images, count)
        elif method == "siddon":
            worker.add_siddon(body, views, images, count)
        elif method == "factored":
            worker.add_factored(body, views, images, count, fineness)
        else:
            raise ValueError(f"no projection method {method!r}: joseph, siddon or factored")
    return images if _is_batch(bodies, camera_from_world, camera) else images[0]


def back_project(
    body: Body,
    camera: Camera | Sequence[Camera],
    camera_from_world: NDArray,
    images: NDArray,
    *,
    engine: EngineName = "auto",
    threads: int | None = None,
) -> NDArray[np.float32]:
    """The exact transpose of Joseph's projection: `[z, y, x]` on the body's voxels.

    `images` is `[h, w]` or `[n, h, w]`, as `project` gives them. It is the gradient of the images'
    sum, weighted by `images`, with respect to the body's values; 0 on the border of zeros.
    """
    _, (poses,) = _paired(body, camera_from_world, camera)
    stack = np.ascontiguousarray(np.asarray(images, np.float32).reshape(-1, *image_size(camera)))
    if len(stack) != len(poses):
        raise ValueError(f"{len(stack)} images do not fit {len(poses)} poses")
    views = views_of(body, camera, poses)
    volume = engine_named(engine).back_project(body, views, stack, allowed_threads(threads))
    inner = np.zeros_like(volume)
    inner[1:-1, 1:-1, 1:-1] = volume[1:-1, 1:-1, 1:-1]
    return inner


def gradient_correlations(
    bodies: Body | Sequence[Body],
    camera: Camera,
    camera_from_world: Poses,
    measure: Measure,
    *,
    background: NDArray | None = None,
    method: Method = "factored",
    engine: EngineName = "auto",
    fineness: Fineness = "standard",
    threads: int | None = None,
) -> NDArray[np.float64]:
    """Similarities `[n]` of the images at poses `[n, 4, 4]`, which are never returned.

    `measure` is the fixed image's side, `background` `[h, w]` what is seen beside the bodies. One
    image per thread.
    """
    many, poses = _paired(bodies, camera_from_world, camera)
    if image_size(camera) != image_shape(measure):
        raise ValueError(
            f"the measure is of {image_shape(measure)} pixels, the camera has {image_size(camera)}"
        )
    ground = None if background is None else np.ascontiguousarray(background, np.float32)
    if ground is not None and ground.shape != image_size(camera):
        raise ValueError(f"the background is of {ground.shape} pixels")
    views = [views_of(body, camera, own) for body, own in zip(many, poses, strict=True)]
    return engine_named(engine).score(
        method, many, views, measure, ground, allowed_threads(threads), fineness
    )


def _is_batch(
    bodies: Body | Sequence[Body], poses: Poses, camera: Camera | Sequence[Camera]
) -> bool:
    one = np.asarray(poses if isinstance(bodies, Body) else poses[0])
    return one.ndim == 3 or not isinstance(camera, Camera)


def _paired(
    bodies: Body | Sequence[Body], poses: Poses, camera: Camera | Sequence[Camera]
) -> tuple[list[Body], list[NDArray[np.float64]]]:
    """Bodies and their poses `[n, 4, 4]`; one pose serves every camera of a sequence."""
    many = [bodies] if isinstance(bodies, Body) else list(bodies)
    own = [poses] if isinstance(bodies, Body) else list(poses)
    if not many or len(own) != len(many):
        raise ValueError(f"{len(many)} bodies need as many poses, not {len(own)}")
    cameras = 1 if isinstance(camera, Camera) else len(camera)
    arrays = [np.asarray(p, np.float64) for p in own]
    arrays = [p if p.ndim == 3 else np.tile(p, (cameras, 1, 1)) for p in arrays]
    if any(p.shape[1:] != (4, 4) or len(p) != len(arrays[0]) for p in arrays):
        raise ValueError("every body needs poses [4, 4], and all of them as many")
    return many, arrays
