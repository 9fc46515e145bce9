"""Joseph's projector against analytic line integrals, a plain ray march and conservation laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from scipy.spatial.transform import Rotation

from bmdpipe.core.volume import Volume
from bmdpipe.geometry.camera import Camera, ap_pose
from bmdpipe.geometry.pose import about, apply, inverse, rigid
from bmdpipe.projection.body import Body
from bmdpipe.projection.density import density_projection
from bmdpipe.projection.joseph import project

CAMERA = Camera.centred(1200.0, (2.0, 2.0), (80, 70))
ANGLES = st.floats(-40, 40)


def rays(camera: Camera) -> np.ndarray:
    """Unit directions `[h, w, 3]` from the source to the pixels' centres."""
    u, v = np.meshgrid(np.arange(camera.size_px[0]), np.arange(camera.size_px[1]))
    cu, cv = camera.principal_point_px
    sx, sy = camera.spacing_mm
    ends = np.stack([(u - cu) * sx, (v - cv) * sy, np.full(u.shape, camera.sdd_mm)], axis=-1)
    return ends / np.linalg.norm(ends, axis=-1, keepdims=True)


def grid(volume: Volume) -> np.ndarray:
    nx, ny, nz = volume.size
    k, j, i = np.meshgrid(np.arange(nz), np.arange(ny), np.arange(nx), indexing="ij")
    return volume.world_at(np.stack([i, j, k], axis=-1))


def empty(shape=(70, 75, 80), spacing=(1.0, 1.2, 1.1), unit="mg/cm3", direction=None) -> Volume:
    direction = np.eye(3) if direction is None else direction
    middle = direction @ (np.array(spacing) * (np.array(shape[::-1]) - 1) / 2)
    x, y, z = (float(-m) for m in middle)
    return Volume(np.zeros(shape, np.float32), spacing, (x, y, z), unit, direction)


def smooth_ball(volume: Volume, centre, radius: float) -> Volume:
    """The density 1 - (r / radius)^2 inside the ball, whose line integrals are known exactly."""
    r2 = ((grid(volume) - centre) ** 2).sum(axis=-1) / radius**2
    return volume.like(np.clip(1 - r2, 0, None).astype(np.float32), volume.unit)


def turned(camera: Camera, degrees, shift=(0.0, 0.0, 0.0)) -> np.ndarray:
    start = ap_pose(np.zeros(3), camera, 1000.0)
    return about(apply(start, np.zeros(3)), np.array(degrees), np.array(shift)) @ start


@settings(max_examples=12, deadline=None)
@given(ANGLES, ANGLES, ANGLES)
def test_smooth_ball_is_exact_within_half_a_percent(a, b, c):
    """Where the ray passes the centre within 0.8 radii; the integral is 4/3 q^3 / radius^2."""
    centre, radius = np.array([3.0, -4.0, 5.0]), 25.0
    pose = turned(CAMERA, (a, b, c), (4.0, -3.0, 20.0))
    image = project(Body.from_volume(smooth_ball(empty(), centre, radius)), CAMERA, pose)
    at = apply(pose, centre)
    away2 = (at**2).sum() - (rays(CAMERA) @ at) ** 2
    exact = 4 / 3 * np.clip(radius**2 - away2, 0, None) ** 1.5 / radius**2
    inner = away2 < (0.8 * radius) ** 2
    assert inner.sum() > 100
    np.testing.assert_allclose(image[inner], exact[inner], rtol=5e-3)


@settings(max_examples=12, deadline=None)
@given(st.floats(-12, 12), st.floats(-12, 12), ANGLES)
def test_box_is_exact_away_from_its_edges(a, b, c):
    """A uniform box, rays through both large faces and 3 mm inside the others: within 0.5 %.

    A voxel's hat reaches half a voxel out on either side, so the box is as thick as its voxels.
    """
    volume = empty()
    array = volume.array.copy()
    array[10:60, 20:55, 12:68] = 300.0
    pose = turned(CAMERA, (a, b, c))
    image = project(Body.from_volume(volume.like(array, "mg/cm3")), CAMERA, pose)
    low = volume.world_at(np.array([11.5, 19.5, 9.5]))
    high = volume.world_at(np.array([67.5, 54.5, 59.5]))
    back = inverse(pose)
    source, directions = back[:3, 3], rays(CAMERA) @ back[:3, :3].T
    near, far = np.stack([(p[1] - source[1]) / directions[..., 1] for p in (low, high)])
    inside = np.ones(near.shape, bool)
    for t in (near, far):
        hit = source + t[..., None] * directions
        for axis in (0, 2):
            inside &= (hit[..., axis] > low[axis] + 3) & (hit[..., axis] < high[axis] - 3)
    assert inside.sum() > 50
    np.testing.assert_allclose(image[inside], 300 * (far - near)[inside], rtol=5e-3)


def test_agrees_with_a_plain_ray_march():
    """Trilinear samples every 0.1 mm (scipy): within 0.5 % in L2 on a smooth random volume."""
    rng = np.random.default_rng(0)
    volume = empty((40, 42, 44), (1.5, 1.3, 1.7))
    array = ndimage.gaussian_filter(rng.uniform(0, 1, volume.array.shape), 2).astype(np.float32)
    array[[0, -1]] = array[:, [0, -1]] = array[:, :, [0, -1]] = 0
    volume = volume.like(array, "mg/cm3")
    camera = Camera.centred(1200.0, (4.0, 4.0), (20, 18))
    pose = turned(camera, (9.0, -14.0, 7.0))
    back = inverse(pose)
    steps = np.arange(930.0, 1070.0, 0.1)
    points = apply(back, rays(camera)[..., None, :] * steps[:, None])
    index = np.moveaxis(volume.index_at(points)[..., ::-1], -1, 0)
    marched = ndimage.map_coordinates(volume.array, index, order=1, cval=0.0).sum(axis=-1) * 0.1
    image = project(Body.from_volume(volume), camera, pose)
    assert np.linalg.norm(image - marched) < 5e-3 * np.linalg.norm(marched)


def test_mass_is_conserved_by_a_far_source():
    """100 m away the rays are parallel to within 0.1 %: sum x pixel area = density x volume.

    The detector stands 1 m behind, so that a pixel's area at the body is smaller by 1.01 squared.
    """
    rng = np.random.default_rng(1)
    volume = empty((40, 40, 40), (1.0, 1.0, 1.0))
    array = np.zeros(volume.array.shape, np.float32)
    array[6:-6, 6:-6, 6:-6] = ndimage.gaussian_filter(rng.uniform(0, 900, (28, 28, 28)), 2)
    volume = volume.like(array, "mg/cm3")
    camera = Camera.centred(1.01e5, (0.505, 0.505), (140, 140))
    start = ap_pose(np.zeros(3), camera, 1e5)
    pose = about(apply(start, np.zeros(3)), np.array([12.0, 20.0, 30.0]), np.zeros(3)) @ start
    image = density_projection([(Body.from_volume(volume), pose)], camera)
    milligrams = image.sum(dtype=float) * 0.05**2
    assert milligrams == pytest.approx(array.sum(dtype=float) * 1e-3, rel=2e-3)


def test_linear():
    rng = np.random.default_rng(3)
    volume = empty((20, 20, 20))
    a, b = (rng.uniform(1, 2, volume.array.shape).astype(np.float32) for _ in range(2))
    pose = turned(CAMERA, (5, 5, 5))
    one, two, both = (
        project(Body.from_volume(volume.like(x.astype(np.float32), "1")), CAMERA, pose)
        for x in (a, b, 2 * a + 3 * b)
    )
    np.testing.assert_allclose(both, 2 * one + 3 * two, rtol=1e-4, atol=1e-2)


@settings(max_examples=8, deadline=None)
@given(ANGLES, ANGLES, ANGLES)
def test_the_grid_that_holds_a_body_does_not_matter(a, b, c):
    """One smooth ball on a turned grid and on a straight one: within 0.5 % of the peak."""
    turn = Rotation.from_euler("xyz", [a, b, c], degrees=True).as_matrix()
    centre = np.array([2.0, 3.0, -4.0])
    pose = turned(CAMERA, (3.0, 4.0, 5.0))
    straight, oblique = (
        project(Body.from_volume(smooth_ball(empty(direction=d), centre, 22.0)), CAMERA, pose)
        for d in (np.eye(3), turn)
    )
    assert np.abs(straight - oblique).max() < 5e-3 * straight.max()


def test_moving_the_world_and_the_pose_together_changes_nothing():
    volume = smooth_ball(empty((40, 40, 40)), np.array([1.0, 2.0, 3.0]), 15.0)
    turn = Rotation.from_euler("xyz", [20, -30, 15], degrees=True).as_matrix()
    world = rigid(turn, np.array([40.0, -20.0, 7.0]))
    x, y, z = (float(v) for v in apply(world, np.array(volume.origin_mm)))
    moved = Volume(volume.array, volume.spacing_mm, (x, y, z), "mg/cm3", turn)
    pose = turned(CAMERA, (3.0, 4.0, 5.0))
    np.testing.assert_allclose(
        project(Body.from_volume(moved), CAMERA, pose @ inverse(world)),
        project(Body.from_volume(volume), CAMERA, pose),
        atol=1e-3,
    )


def test_batch_crop_and_units():
    volume = smooth_ball(empty(), np.zeros(3), 20.0)
    body = Body.from_volume(volume)
    poses = np.stack([turned(CAMERA, (0, 0, 0)), turned(CAMERA, (5, 6, 7))])
    images = project(body, CAMERA, poses)
    np.testing.assert_array_equal(images[1], project(body, CAMERA, poses[1]))
    window = project(body, CAMERA.cropped(13, 9, (40, 30)), poses[1])
    np.testing.assert_allclose(window, images[1][9:39, 13:53], rtol=1e-4, atol=1e-3)
    both = density_projection([(body, poses[0]), (body, poses[1])], CAMERA)
    np.testing.assert_allclose(both, images.sum(axis=0) / 10, rtol=1e-5)
    shape = Body.from_volume(volume.like(volume.array, "label"))
    with pytest.raises(ValueError, match="mg/cm3"):
        density_projection([(shape, poses[0])], CAMERA)


def test_an_empty_body_is_refused():
    with pytest.raises(ValueError, match="empty"):
        Body.from_volume(empty())
