"""Engines agree with each other, whatever the geometry, storage, batch and number of threads."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bmdpipe.geometry.camera import Camera
from bmdpipe.geometry.pose import inverse
from bmdpipe.projection.body import Body
from bmdpipe.projection.native import engine as native
from bmdpipe.projection.projector import project
from tests.projection.conftest import CAMERA, apart, blobs, empty, turned

BODY = Body.from_volume(blobs())
built = pytest.mark.skipif(not native.available(), reason="no compiler was found")
VIEWS = [(0, 0, 0), (4, -9, 7), (0, 90, 0), (90, 0, 0), (0, 0, 45), (0, 45, 0), (30, 50, 70)]
ASIDE = (0.37, 0.21, 0.13)
"""mm; Siddon's model is ambiguous for a ray that lies in the border between voxels."""
CAMERAS = {
    "plain": CAMERA,
    "fine": Camera.centred(1200.0, (0.4, 0.4), (90, 70)),
    "coarser than voxels": Camera.centred(1200.0, (7.0, 7.0), (30, 30)),
    "pixels not square": Camera.centred(1200.0, (0.7, 3.1), (150, 50)),
    "off centre": Camera(1200.0, (2.0, 2.0), (61, 53), (75.5, -20.25)),
    "one pixel": Camera(1200.0, (2.0, 2.0), (1, 1), (0.3, -0.2)),
    "wide": Camera.centred(60.0, (3.0, 3.0), (70, 60)),
}


@built
@pytest.mark.parametrize("method", ["joseph", "siddon", "factored"])
@pytest.mark.parametrize("camera", CAMERAS)
def test_native_and_numba_agree(camera, method):
    """To 1e-5 in relative L2 for seven views; the body stands between source and detector."""
    sod = 0.83 * CAMERAS[camera].sdd_mm if camera != "wide" else 0.5 * CAMERAS[camera].sdd_mm
    poses = np.stack([turned(v, ASIDE, CAMERAS[camera], sod) for v in VIEWS])
    one, two = (
        project(BODY, CAMERAS[camera], poses, method=method, engine=e) for e in ("native", "numba")
    )
    assert two.any()
    assert apart(one, two) < 1e-5


@built
@pytest.mark.parametrize("method", ["joseph", "siddon"])
@pytest.mark.parametrize("sod_mm", [-20.0, 0.0, 13.7, 1190.0, 1200.0, 1230.0])
def test_source_or_detector_within_the_body(sod_mm, method):
    """Only what lies between them counts; an image may be empty, and is so for both engines."""
    poses = np.stack([turned(v, ASIDE, sod_mm=sod_mm) for v in VIEWS])
    one, two = (project(BODY, CAMERA, poses, method=method, engine=e) for e in ("native", "numba"))
    np.testing.assert_allclose(one, two, atol=2e-5 * max(two.max(), 1.0))


def test_a_ray_ends_at_the_detector(engine):
    """A uniform slab, source before it: the integral grows with the detector's distance."""
    volume = empty((20, 20, 20), (5.0, 5.0, 5.0))
    volume = volume.like(np.full(volume.array.shape, 2.0, np.float32), "1")
    body = Body.from_volume(volume, np.ones(volume.array.shape, bool))
    for depth in (20.0, 45.0, 70.0):
        camera = Camera.centred(100.0 + depth, (1.0, 1.0), (3, 3))
        pose = turned((0, 0, 0), camera=camera, sod_mm=150.0)
        image = project(body, camera, pose, method="siddon", engine=engine)
        assert image[1, 1] == pytest.approx(2.0 * depth, rel=1e-5)


@pytest.mark.parametrize("method", ["joseph", "siddon", "factored"])
def test_int16_and_float32_hold_the_same(engine, method):
    volume = blobs()
    poses = np.stack([turned(v) for v in VIEWS])
    small, large = (
        project(Body.from_volume(volume, storage=s), CAMERA, poses, method=method, engine=engine)
        for s in ("int16", "float32")
    )
    np.testing.assert_array_equal(small, large)


def test_storage_follows_the_volume():
    volume = blobs()
    whole = volume.like(volume.array.astype(np.int16), volume.unit)
    assert Body.from_volume(whole).values.dtype == np.int16
    assert Body.from_volume(volume).values.dtype == np.float32
    for spoilt in (volume.array * np.float32(0.3), volume.array * np.float32(100)):
        with pytest.raises(ValueError, match="loss"):
            Body.from_volume(volume.like(spoilt, volume.unit), storage="int16")


@pytest.mark.parametrize("method", ["joseph", "siddon", "factored"])
def test_a_batch_is_its_images_one_by_one(engine, method):
    """Bit by bit, for several poses and for several cameras, on one thread and on three."""
    poses = np.stack([turned(v) for v in VIEWS[:4]])
    cameras = [CAMERA.cropped(i, -i, CAMERA.size_px) for i in range(4)]
    for camera in (CAMERA, cameras):
        batch = project(BODY, camera, poses, method=method, engine=engine, threads=3)
        for i, image in enumerate(batch):
            one = camera if isinstance(camera, Camera) else camera[i]
            single = project(BODY, one, poses[i], method=method, engine=engine, threads=1)
            np.testing.assert_array_equal(image, single)
    views = project(BODY, cameras, poses[0], method=method, engine=engine)
    np.testing.assert_array_equal(
        views[2], project(BODY, cameras[2], poses[0], method=method, engine=engine)
    )


def test_several_bodies_are_summed(engine):
    other = Body.from_volume(blobs((30, 30, 30), (2.0, 2.0, 2.0), seed=5))
    poses = [np.stack([turned(v) for v in vs]) for vs in (VIEWS[:3], VIEWS[2:5])]
    both = project([BODY, other], CAMERA, poses, engine=engine)
    one, two = (
        project(b, CAMERA, p, engine=engine) for b, p in zip((BODY, other), poses, strict=True)
    )
    np.testing.assert_allclose(both, one + two, rtol=1e-5, atol=1e-3)


def test_a_cropped_camera_sees_the_same(engine):
    image = project(BODY, CAMERA, turned((5, 6, 7)), engine=engine)
    window = project(BODY, CAMERA.cropped(13, 9, (40, 30)), turned((5, 6, 7)), engine=engine)
    np.testing.assert_allclose(window, image[9:39, 13:53], rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("method", ["joseph", "siddon", "factored"])
def test_small_and_empty_bodies(engine, method):
    volume = empty((5, 5, 5), (4.0, 4.0, 4.0))
    nothing = Body.from_volume(volume, np.ones(volume.array.shape, bool))
    assert not project(nothing, CAMERA, turned((3, 4, 5)), method=method, engine=engine).any()
    array = volume.array.copy()
    array[2, 2, 2] = 7.0
    dot = Body.from_volume(volume.like(array, "1"))
    odd = Camera.centred(1200.0, (2.0, 2.0), (79, 69))
    image = project(dot, odd, turned((0, 0, 0), camera=odd), method=method, engine=engine)
    assert 0.6 * 28.0 < image.max() < 1.1 * 28.0
    if method != "factored":
        assert image.max() == pytest.approx(28.0, rel=1e-5)
    away = turned((0, 0, 0), (5000.0, 0.0, 0.0))
    assert not project(dot, CAMERA, away, method=method, engine=engine).any()


def test_a_row_of_many_voxels(engine):
    """More than 64 runs of eight: what is noted of a row's content becomes coarser."""
    volume = empty((3, 4, 1100), (0.1, 5.0, 5.0))
    array = volume.array.copy()
    array[1, 1:3, [3, 600, 1090]] = 5.0
    body = Body.from_volume(volume.like(array, "1"), np.ones(array.shape, bool))
    images = [project(body, CAMERA, turned(v), engine=engine) for v in ((0, 0, 0), (0, 90, 0))]
    assert sum(i.any() for i in images) == 2
    slow = project(body, CAMERA, turned((0, 0, 0)), engine="numba")
    assert apart(images[0], slow) < 1e-5


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="as many poses"):
        project([BODY, BODY], CAMERA, [turned((0, 0, 0))])
    with pytest.raises(ValueError, match="engine"):
        project(BODY, CAMERA, turned((0, 0, 0)), engine="abacus")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="method"):
        project(BODY, CAMERA, turned((0, 0, 0)), method="guess")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="cameras"):
        project(BODY, [CAMERA, CAMERA], np.stack([turned((0, 0, 0))] * 3))
    with pytest.raises(ValueError, match="one size"):
        project(BODY, [CAMERA, replace(CAMERA, size_px=(3, 3))], np.stack([turned((0, 0, 0))] * 2))
    with pytest.raises(ValueError, match="threads"):
        project(BODY, CAMERA, turned((0, 0, 0)), threads=0)


def test_rays_along_the_grid(engine):
    """A far source looks along each axis: every pixel's integral is a sum of voxels."""
    array = np.random.default_rng(0).integers(1, 9, (6, 7, 8)).astype(np.float32)
    volume = replace(empty((6, 7, 8), (2.0, 2.0, 2.0)), array=array)
    body = Body.from_volume(volume)
    camera = Camera(1e7, (2.0, 2.0), (8, 6), (3.5, 2.5))
    pose = turned((0, 0, 0), camera=camera, sod_mm=1e7 - 100)
    image = project(body, camera, pose, method="siddon", engine=engine)
    np.testing.assert_allclose(image[::-1], 2.0 * array.sum(axis=1), rtol=1e-4)
    assert np.allclose(inverse(pose)[:3, :3] @ [0, 0, 1], [0, 1, 0])
