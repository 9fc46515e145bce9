"""Line integrals against truth: ellipsoids and boxes at random poses, conservation of mass."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bmdpipe.core.volume import Volume
from bmdpipe.geometry.camera import Camera
from bmdpipe.geometry.pose import inverse
from bmdpipe.projection.body import Body
from bmdpipe.projection.density import density_projection
from bmdpipe.projection.projector import project
from tests.projection.conftest import CAMERA, apart, blobs, empty, turned

ANGLES = st.floats(-180, 180)
SEMI_AXES = np.array([24.0, 17.0, 20.0])
CENTRE = np.array([3.0, -2.0, 4.0])


def rays(camera: Camera, pose: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The source and unit directions `[h, w, 3]` to the pixels' centres, in the world."""
    u, v = np.meshgrid(np.arange(camera.size_px[0]), np.arange(camera.size_px[1]))
    cu, cv = camera.principal_point_px
    sx, sy = camera.spacing_mm
    ends = np.stack([(u - cu) * sx, (v - cv) * sy, np.full(u.shape, camera.sdd_mm)], axis=-1)
    back = inverse(pose)
    directions = ends @ back[:3, :3].T
    return back[:3, 3], directions / np.linalg.norm(directions, axis=-1, keepdims=True)


def ellipsoid(voxel_mm: float) -> Volume:
    """The density 1 - q, q = sum of (x / semi axis)^2, inside q < 1."""
    size = np.ceil(2.2 * SEMI_AXES / voxel_mm).astype(int)
    volume = empty((size[2], size[1], size[0]), (voxel_mm,) * 3)
    k, j, i = np.meshgrid(*[np.arange(n) for n in volume.array.shape], indexing="ij")
    q = ((volume.world_at(np.stack([i, j, k], axis=-1)) / SEMI_AXES) ** 2).sum(axis=-1)
    x, y, z = (float(o + c) for o, c in zip(volume.origin_mm, CENTRE, strict=True))
    array = np.clip(1 - q, 0, None).astype(np.float32)
    return Volume(array, volume.spacing_mm, (x, y, z), "1")


def through_ellipsoid(pose: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Exact integrals `[h, w]`, and how deep a ray goes: 1 - q at its innermost point."""
    source, d = rays(CAMERA, pose)
    s, d = (source - CENTRE) / SEMI_AXES, d / SEMI_AXES
    a, b, c = (d**2).sum(axis=-1), d @ s, (s**2).sum() - 1
    depth = np.clip(b**2 / a - c, 0, None)
    return 4 / 3 * depth**1.5 / np.sqrt(a), depth


@settings(max_examples=6, deadline=None)
@given(ANGLES, ANGLES, ANGLES)
def test_ellipsoid_is_exact_and_converges(a, b, c):
    """Within 0.1 % of the peak away from the edge, and four times closer with half the voxel."""
    pose = turned((a, b, c), (4.0, -3.0, 20.0))
    exact, depth = through_ellipsoid(pose)
    inner = depth > 0.2
    assert inner.sum() > 100
    errors = []
    for voxel_mm in (1.2, 0.6):
        image = project(Body.from_volume(ellipsoid(voxel_mm)), CAMERA, pose)
        errors.append(np.abs(image - exact)[inner].max() / exact.max())
    assert errors[1] < 1e-3
    assert errors[1] < 0.45 * errors[0]


def through_box(low, high, source, directions) -> np.ndarray:
    with np.errstate(divide="ignore"):
        first, second = (low - source) / directions, (high - source) / directions
    near = np.minimum(first, second).max(axis=-1)
    far = np.maximum(first, second).min(axis=-1)
    return np.clip(far - near, 0, None)


@settings(max_examples=6, deadline=None)
@given(ANGLES, ANGLES, ANGLES)
def test_siddon_is_exact_for_boxes(a, b, c):
    """To 1e-5 in relative L2, edges and all: the model *is* a set of boxes."""
    volume = empty((30, 32, 34), (1.7, 1.3, 1.5))
    array = volume.array.copy()
    array[6:25, 5:22, 7:30] = 300.0
    pose = turned((a, b, c), (2.0, 5.0, -30.0))
    image = project(Body.from_volume(volume.like(array, "1")), CAMERA, pose, method="siddon")
    low, high = volume.world_at([6.5, 4.5, 5.5]), volume.world_at([29.5, 21.5, 24.5])
    assert apart(image, 300.0 * through_box(low, high, *rays(CAMERA, pose))) < 1e-5


@settings(max_examples=6, deadline=None)
@given(st.floats(-12, 12), st.floats(-12, 12), ANGLES)
def test_joseph_is_exact_inside_a_box(a, b, c):
    """Rays through both large faces, away from the others: within 0.1 % of the peak.

    A voxel's hat reaches half a voxel out on either side, so the box is as thick as its voxels.
    """
    volume = empty()
    array = volume.array.copy()
    array[10:60, 20:55, 12:68] = 300.0
    pose = turned((a, b, c))
    image = project(Body.from_volume(volume.like(array, "1")), CAMERA, pose)
    low, high = volume.world_at([11.5, 19.5, 9.5]), volume.world_at([67.5, 54.5, 59.5])
    source, directions = rays(CAMERA, pose)
    exact = 300.0 * through_box(low, high, source, directions)
    margin = np.array([2.5, 0.0, 2.5])
    taller = np.array([0.0, 100.0, 0.0])
    inner = through_box(low + margin - taller, high - margin + taller, source, directions) > 0
    for face in (low[1], high[1]):
        at = source + ((face - source[1]) / directions[..., 1])[..., None] * directions
        inner &= ((at > low + margin) & (at < high - margin))[..., [0, 2]].all(axis=-1)
    assert inner.sum() > 50
    assert np.abs(image - exact)[inner].max() < 1e-3 * exact.max()


@pytest.mark.parametrize(
    ("method", "tolerance"), [("joseph", 5e-4), ("siddon", 5e-4), ("factored", 5e-3)]
)
@pytest.mark.parametrize("angles", [(0, 0, 0), (12, 20, 30)])
def test_mass_is_conserved_by_a_far_source(method, tolerance, angles):
    """100 m away rays are parallel to 0.1 %: sum x pixel area = density x volume.

    The detector stands 1 m behind, so that a pixel's area at the body is smaller by 1.01 squared.
    """
    volume = blobs((40, 40, 40), (1.0, 1.0, 1.0))
    camera = Camera.centred(1.01e5, (0.2525, 0.2525), (280, 280))
    pose = turned(angles, camera=camera, sod_mm=1e5)
    image = project(Body.from_volume(volume), camera, pose, method=method)
    mass = image.sum(dtype=float) * 0.25**2
    assert mass == pytest.approx(volume.array.sum(dtype=float), rel=tolerance)


@pytest.mark.parametrize("method", ["joseph", "siddon", "factored"])
def test_projection_is_linear(engine, method):
    volume = blobs()
    rng = np.random.default_rng(3)
    a, b = (np.rint(rng.uniform(0, 50, volume.array.shape)).astype(np.float32) for _ in range(2))
    mask = np.ones(volume.array.shape, bool)
    one, two, both = (
        project(
            Body.from_volume(volume.like(x, "1"), mask), CAMERA, turned((5, 9, 5)),
            method=method, engine=engine,
        )
        for x in (a, b, 2 * a + 3 * b)
    )  # fmt: skip
    assert apart(both, 2 * one + 3 * two) < 2e-6


def test_density_is_in_mg_per_cm2():
    volume = blobs()
    body = Body.from_volume(volume)
    poses = [turned((0, 0, 0)), turned((5, 6, 7))]
    both = density_projection([(body, pose) for pose in poses], CAMERA)
    np.testing.assert_allclose(
        both, sum(project(body, CAMERA, pose) for pose in poses) / 10, rtol=1e-5, atol=1e-3
    )
    shape = Body.from_volume(volume.like(volume.array, "label"))
    with pytest.raises(ValueError, match="mg/cm3"):
        density_projection([(shape, poses[0])], CAMERA)
