"""The fast projector agrees with the exact one, averaged over pixels."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from bmdpipe.core.volume import Volume
from bmdpipe.geometry.camera import Camera, ap_pose
from bmdpipe.geometry.pose import about, apply
from bmdpipe.projection.body import Body
from bmdpipe.projection.joseph import project
from bmdpipe.projection.splat import Cloud, splat

SHARPER = 4


@pytest.fixture(scope="module")
def volume() -> Volume:
    rng = np.random.default_rng(2)
    field = ndimage.gaussian_filter(rng.standard_normal((40, 50, 60)), 3)
    array = np.where(field > field.std(), 200 + 2000 * field, 0).astype(np.float32)
    return Volume(array, (1.5, 1.5, 3.0), (-44.0, -37.0, -58.0), "mg/cm3")


@pytest.mark.parametrize(("pixel_mm", "tolerance"), [(1.7, 0.06), (3.4, 0.03)])
def test_close_to_joseph(volume, pixel_mm, tolerance):
    """Relative L2 after the smoothing of gradient correlation, turned by up to 15 degrees."""
    size = int(200 / pixel_mm)
    camera = Camera.centred(1200.0, (pixel_mm, pixel_mm), (size, size))
    start = ap_pose(np.zeros(3), camera, 1000.0)
    centre = apply(start, np.zeros(3))
    rng = np.random.default_rng(3)
    poses = about(centre, rng.uniform(-15, 15, (4, 3)), rng.uniform(-5, 5, (4, 3))) @ start
    fast = splat(Cloud.from_volume(volume), camera, poses)
    fine = project(
        Body.from_volume(volume), camera.resized((size * SHARPER, size * SHARPER)), poses
    )
    exact = fine.reshape(4, size, SHARPER, size, SHARPER).mean(axis=(2, 4))
    fast, exact = (ndimage.gaussian_filter(i, (0, 1, 1)) for i in (fast, exact))
    assert np.linalg.norm(fast - exact) < tolerance * np.linalg.norm(exact)


def test_mass_of_a_far_source_is_conserved(volume):
    """From 100 m away rays are parallel to 0.1 %: image mass equals volume mass."""
    camera = Camera.centred(1e5, (2.0, 2.0), (90, 90))
    image = splat(Cloud.from_volume(volume), camera, ap_pose(np.zeros(3), camera, 1e5)[None])[0]
    mass = volume.array.sum(dtype=float) * volume.voxel_mm3
    assert image.sum(dtype=float) * 4.0 == pytest.approx(mass, rel=2e-3)


def test_what_lies_outside_is_left_out(volume):
    camera = Camera.centred(1200.0, (2.0, 2.0), (40, 40))
    pose = ap_pose(np.array([500.0, 0, 0]), camera, 1000.0)
    assert not splat(Cloud.from_volume(volume), camera, pose[None]).any()
