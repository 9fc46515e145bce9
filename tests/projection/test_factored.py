"""The factored engine stays within its stated bounds of Joseph's projection."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from bmdpipe.geometry.camera import Camera
from bmdpipe.projection.body import Body
from bmdpipe.projection.fineness import ERROR_BOUNDS
from bmdpipe.projection.projector import project
from tests.projection.conftest import apart, empty, turned

CAMERA = Camera.centred(1200.0, (0.8, 0.8), (150, 150))
POSES = np.stack(
    [turned(v, camera=CAMERA) for v in ((0, 0, 0), (9, -7, 5), (0, 90, 0), (80, 10, 0), (0, 40, 0))]
)


def bone() -> Body:
    """A masked shaft and head with the texture and the sharp edges of a segmented CT."""
    volume = empty((60, 90, 90), (0.8, 0.8, 1.5), unit="HU")
    k, j, i = np.meshgrid(*[np.arange(n) for n in volume.array.shape], indexing="ij")
    x, y, z = np.moveaxis(volume.world_at(np.stack([i, j, k], axis=-1)), -1, 0)
    head = np.sqrt((x - 8) ** 2 + y**2 + (z - 18) ** 2) - 21
    shaft = np.maximum(np.hypot(x + 6, y) - 13, np.abs(z + 12) - 30)
    inside = np.minimum(head, shaft)
    grain = ndimage.gaussian_filter(np.random.default_rng(0).standard_normal(inside.shape), 0.8)
    hu = np.where(inside > -3, 1100, 250) + 250 * grain / grain.std()
    return Body.from_volume(volume.like(np.rint(hu + 1024).astype(np.int16), "HU"), inside < 0)


@pytest.mark.parametrize("fineness", ERROR_BOUNDS)
def test_masked_bone_within_the_bound(engine, fineness):
    body = bone()
    exact = project(body, CAMERA, POSES)
    drawn = project(body, CAMERA, POSES, method="factored", fineness=fineness, engine=engine)
    errors = [apart(a, b) for a, b in zip(drawn, exact, strict=True)]
    assert max(errors) < ERROR_BOUNDS[fineness]


@pytest.mark.parametrize("fineness", ERROR_BOUNDS)
def test_a_smooth_body_is_eight_times_closer(fineness):
    volume = empty((60, 90, 90), (0.8, 0.8, 1.5))
    k, j, i = np.meshgrid(*[np.arange(n) for n in volume.array.shape], indexing="ij")
    points = volume.world_at(np.stack([i, j, k], axis=-1))
    array = 1000 * np.clip(1.2 - (points**2).sum(axis=-1) / 32.0**2, 0, 1)
    body = Body.from_volume(volume.like(array.astype(np.float32), "1"))
    drawn = project(body, CAMERA, POSES, method="factored", fineness=fineness)
    assert apart(drawn, project(body, CAMERA, POSES)) < ERROR_BOUNDS[fineness] / 8


@pytest.mark.parametrize("sod_mm", [20.0, 1190.0])
def test_a_body_that_cannot_be_factored_is_projected_exactly(engine, sod_mm):
    """Source or detector within the body's box."""
    pose = turned((3, 4, 5), camera=CAMERA, sod_mm=sod_mm)
    body = bone()
    one, two = (
        project(body, CAMERA, pose, method=method, engine=engine)
        for method in ("factored", "joseph")
    )
    assert two.any()
    np.testing.assert_array_equal(one, two)
