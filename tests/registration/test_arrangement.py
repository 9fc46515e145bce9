"""Bodies and source move as they say, and the refinement's derivatives are those of the images."""

from __future__ import annotations

import numpy as np

from bmdpipe.geometry.camera import Camera, ap_pose
from bmdpipe.geometry.pose import apply
from bmdpipe.registration.arrangement import PER_BODY, Arrangement
from bmdpipe.registration.prior import Joint, Prior
from bmdpipe.registration.similarity import GradientCorrelation

CAMERA = Camera.centred(1200.0, (0.5, 0.5), (400, 300))
CENTRES = [np.array([10.0, -5.0, 20.0]), np.array([-40.0, 8.0, 0.0])]
START = Arrangement(tuple(ap_pose(np.zeros(3), CAMERA, 1000.0) for _ in CENTRES))


def step(**values: tuple[int, float]) -> np.ndarray:
    result = np.zeros(PER_BODY * 2 + 3)
    for index, value in values.values():
        result[index] = value
    return result


def test_a_source_that_moves_sideways_leaves_bodies_before_the_detector():
    moved = START.moved(step(x=(12, 7.0), y=(13, -3.0)), CENTRES, CAMERA.sdd_mm)
    for before, after in zip(START.poses, moved.poses, strict=True):
        there = apply(after, CENTRES[0])[:2] + np.array(moved.source_mm[:2])
        np.testing.assert_allclose(there, apply(before, CENTRES[0])[:2], atol=1e-9)
    camera = moved.camera(CAMERA)
    shift = np.subtract(camera.principal_point_px, CAMERA.principal_point_px) * 0.5
    np.testing.assert_allclose(shift, [7.0, -3.0])


def test_a_source_that_moves_away_leaves_centres_on_their_pixels_and_magnified_alike():
    moved = START.moved(step(z=(14, 60.0)), CENTRES, CAMERA.sdd_mm)
    camera = moved.camera(CAMERA)
    assert camera.sdd_mm == 1260.0
    for before, after, centre in zip(START.poses, moved.poses, CENTRES, strict=True):
        a, b = apply(before, centre), apply(after, centre)
        np.testing.assert_allclose(camera.sdd_mm / b[2], CAMERA.sdd_mm / a[2])


def test_a_joint_holds_its_bodies_together():
    prior = Prior((0.0, 0.0, 0.0), 2.0, [Joint(0, 1, CENTRES[1])])
    assert prior.penalty(START) == 0.0
    turned = START.moved(step(turn=(PER_BODY, 12.0)), CENTRES, CAMERA.sdd_mm)
    np.testing.assert_allclose(prior.penalty(turned), 0.0, atol=1e-18)
    shifted = START.moved(step(shift=(PER_BODY + 3, 4.0)), CENTRES, CAMERA.sdd_mm)
    np.testing.assert_allclose(prior.penalty(shifted), (4.0 / 2.0) ** 2)


def test_linearised_images_are_central_differences():
    rng = np.random.default_rng(1)
    fixed, image, *changes = rng.standard_normal((5, 30, 36)).astype(np.float32)
    measure = GradientCorrelation.of(fixed, 1.0)
    jacobian, residual = measure.linearised(image, np.stack(changes))
    np.testing.assert_allclose(
        residual.reshape(measure.fixed.shape),
        measure.fixed - measure.normalised(image[None])[0],
        atol=1e-5,
    )
    for row, change in zip(jacobian, changes, strict=True):
        ends = measure.normalised(np.stack([image + 0.01 * change, image - 0.01 * change]))
        np.testing.assert_allclose(row, ((ends[0] - ends[1]) / 0.02).ravel(), atol=5e-4)
