"""A population of poses is scored as its images would be, without returning one."""

from __future__ import annotations

import numpy as np
import pytest

from bmdpipe.projection.body import Body
from bmdpipe.projection.projector import gradient_correlations, project
from bmdpipe.registration.similarity import GradientCorrelation
from tests.projection.conftest import CAMERA, blobs, turned

METHODS = ("joseph", "siddon", "factored")


@pytest.fixture(scope="module")
def bodies() -> list[Body]:
    return [Body.from_volume(blobs(seed=s)) for s in (2, 5)]


@pytest.mark.parametrize("method", METHODS)
def test_scores_are_those_of_the_images(engine, bodies, method):
    """With a background, unknown pixels and two bodies, each at its own poses."""
    rng = np.random.default_rng(0)
    poses = [
        np.stack([turned(rng.normal(0, 5, 3), rng.normal(0, 3, 3)) for _ in range(5)])
        for _ in bodies
    ]
    background = rng.uniform(0, 500, CAMERA.size_px[::-1]).astype(np.float32)
    known = np.ones(background.shape, bool)
    known[:20, :30] = False
    fixed = project(bodies, CAMERA, [turned((0, 0, 0))] * 2) + background
    measure = GradientCorrelation.of(fixed, 1.0, known)
    images = project(bodies, CAMERA, poses, method=method, engine=engine) + background
    scores = gradient_correlations(
        bodies, CAMERA, poses, measure, background=background, method=method, engine=engine
    )
    assert np.ptp(scores) > 0.01
    np.testing.assert_allclose(scores, measure.of_batch(images), atol=1e-5)


def test_the_true_pose_scores_best_and_threads_do_not_matter(engine, bodies):
    pose = turned((1, 2, 3))
    measure = GradientCorrelation.of(project(bodies[0], CAMERA, pose), 1.0)
    poses = np.stack([turned((1, 2, 3 + d)) for d in (-4, -2, 0, 2, 4)])
    one, three = (
        gradient_correlations(bodies[0], CAMERA, poses, measure, threads=n, engine=engine)
        for n in (1, 3)
    )
    np.testing.assert_array_equal(one, three)
    assert one.argmax() == 2
    assert one[2] > 0.99


def test_an_image_without_gradient_scores_nothing(engine, bodies):
    measure = GradientCorrelation.of(project(bodies[0], CAMERA, turned((0, 0, 0))), 1.0)
    away = turned((0, 0, 0), (5000.0, 0.0, 0.0))[None]
    assert gradient_correlations(bodies[0], CAMERA, away, measure, engine=engine)[0] == 0.0


def test_sizes_must_fit(bodies):
    measure = GradientCorrelation.of(project(bodies[0], CAMERA, turned((0, 0, 0))), 1.0)
    small = CAMERA.cropped(0, 0, (30, 30))
    with pytest.raises(ValueError, match="pixels"):
        gradient_correlations(bodies[0], small, turned((0, 0, 0))[None], measure)
    with pytest.raises(ValueError, match="background"):
        gradient_correlations(
            bodies[0], CAMERA, turned((0, 0, 0))[None], measure, background=np.zeros((3, 3))
        )
