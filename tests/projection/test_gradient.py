"""The adjoint is the transpose, and the analytic motion derivatives are those of differences."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from bmdpipe.core.volume import Volume
from bmdpipe.geometry.camera import Camera
from bmdpipe.geometry.pose import about, apply
from bmdpipe.projection.body import Body
from bmdpipe.projection.gradient import project_with_gradient
from bmdpipe.projection.projector import back_project, project
from tests.projection.conftest import CAMERA, apart, blobs, empty, turned

VIEWS = [(0, 0, 0), (6, -9, 4), (0, 90, 0), (88, 3, 0), (30, 44, 20)]


@pytest.mark.parametrize("sod_mm", [1000.0, 1180.0, 30.0])
def test_back_projection_is_the_transpose(engine, sod_mm):
    """<A x, y> = <x, A' y> to 1e-5, also with source or detector within the body."""
    volume = blobs()
    body = Body.from_volume(volume)
    poses = np.stack([turned(v, sod_mm=sod_mm) for v in VIEWS])
    images = project(body, CAMERA, poses, engine=engine).astype(float)
    sent = np.random.default_rng(1).uniform(0.5, 1.5, images.shape).astype(np.float32)
    back = back_project(body, CAMERA, poses, sent, engine=engine)
    assert (images * sent).sum() == pytest.approx((back * body.values).sum(dtype=float), rel=1e-5)


def test_back_projection_does_not_depend_on_threads_or_engine(engine):
    body = Body.from_volume(blobs())
    poses = np.stack([turned(v) for v in VIEWS[:3]])
    sent = np.random.default_rng(2).standard_normal((3, *CAMERA.size_px[::-1]))
    one, three = (back_project(body, CAMERA, poses, sent, threads=n, engine=engine) for n in (1, 3))
    np.testing.assert_array_equal(one, three)
    assert apart(one, back_project(body, CAMERA, poses, sent, engine="numba")) < 1e-5


def test_gradient_of_one_voxel():
    """Central difference of a weighted sum of pixels with respect to one voxel's value."""
    volume = blobs()
    pose, at = turned((6, -9, 4)), (20, 25, 30)
    sent = np.random.default_rng(3).uniform(0, 1, CAMERA.size_px[::-1])
    everything = np.ones(volume.array.shape, bool)
    totals = []
    for step in (-500.0, 500.0):
        array = volume.array.copy()
        array[at] += step
        image = project(Body.from_volume(volume.like(array, "1"), everything), CAMERA, pose)
        totals.append((image * sent).sum(dtype=float))
    back = back_project(Body.from_volume(volume, everything), CAMERA, pose, sent)
    expected = (totals[1] - totals[0]) / 1000.0
    assert back[at[0] + 1, at[1] + 1, at[2] + 1] == pytest.approx(expected, rel=1e-3)


@pytest.fixture(scope="module")
def smooth() -> Body:
    volume = empty((60, 64, 68), (1.0, 1.2, 1.1))
    field = np.random.default_rng(4).standard_normal(volume.array.shape)
    field = ndimage.gaussian_filter(field, 3.0)
    k, j, i = np.meshgrid(*[np.arange(n) for n in volume.array.shape], indexing="ij")
    q = (volume.world_at(np.stack([i, j, k], axis=-1)) ** 2).sum(axis=-1) / 28.0**2
    array = 1000 * np.clip(1 - q, 0, None) ** 2 * (1 + 0.3 * field / field.std())
    return Body.from_volume(
        Volume(array.astype(np.float32), volume.spacing_mm, volume.origin_mm, "1"),
        np.ones(array.shape, bool),
    )


def slow_joseph(body: Body, camera: Camera, pose: np.ndarray) -> np.ndarray:
    """Joseph's sums in double precision by scipy's linear interpolation."""
    index = body.index_from_world @ np.linalg.inv(pose)
    u, v = np.meshgrid(np.arange(camera.size_px[0]), np.arange(camera.size_px[1]))
    (cu, cv), (su, sv) = camera.principal_point_px, camera.spacing_mm
    ends = np.stack([(u - cu) * su, (v - cv) * sv, np.full(u.shape, camera.sdd_mm)], -1)
    ends = ends.reshape(-1, 3)
    source, d = index[:3, 3], ends @ index[:3, :3].T
    values = body.values.astype(float)
    result = np.zeros(len(ends))
    main = np.abs(d).argmax(axis=1)
    for axis in range(3):
        own = d[main == axis]
        k = np.arange(values.shape[2 - axis])
        at = source + (k - source[axis])[None, :, None] * (own / own[:, axis : axis + 1])[:, None]
        sums = ndimage.map_coordinates(values, np.moveaxis(at[..., ::-1], -1, 0), order=1)
        mm = np.linalg.norm(ends[main == axis], axis=1) / np.abs(own[:, axis])
        result[main == axis] = sums.sum(axis=1) * mm
    return result.reshape(u.shape)


@pytest.fixture(scope="module", params=VIEWS, ids=str)
def differences(request, smooth):
    """A pose, its centre, its image, and the image's six central differences over 1e-4."""
    camera = Camera.centred(1200.0, (4.0, 4.0), (22, 20))
    pose = turned(request.param, (0.1, 0.2, 0.3), camera)
    centre = apply(pose, np.array([4.0, -3.0, 2.0]))
    change = []
    for step in 0.5e-6 * np.eye(6):
        moved = [
            slow_joseph(
                smooth, camera, about(centre, sign * np.degrees(step[:3]), sign * step[3:]) @ pose
            )
            for sign in (1, -1)
        ]
        change.append((moved[0] - moved[1]) / 1e-6)
    return camera, pose, centre, slow_joseph(smooth, camera, pose), np.stack(change)


def test_motion_derivatives_are_those_of_differences(engine, smooth, differences):
    """All six to 1e-3 in relative L2. The interpolation has kinks where a ray passes a voxel's
    plane, so that differences need double precision and a very small step."""
    camera, pose, centre, expected, change = differences
    image, analytic = project_with_gradient(smooth, camera, pose, centre, engine=engine)
    assert apart(image, expected) < 1e-5
    for one, other in zip(analytic, change, strict=True):
        assert apart(one, other) < 1e-3
