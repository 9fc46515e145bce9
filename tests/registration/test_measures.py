"""Every similarity against its plain formula or another library."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from bmdpipe.core.config.registration import RegistrationConfig
from bmdpipe.registration.measures import (
    BINS,
    CrossCorrelation,
    GradientInformation,
    MutualInformation,
    PatchCorrelation,
    similarity_of,
)
from bmdpipe.registration.similarity import GradientCorrelation


@pytest.fixture(scope="module")
def images() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    fixed = ndimage.gaussian_filter(rng.standard_normal((38, 46)), 1.5)
    moving = fixed + 0.5 * ndimage.gaussian_filter(rng.standard_normal((3, 38, 46)), (0, 1.5, 1.5))
    return fixed.astype(np.float32), moving.astype(np.float32)


@pytest.fixture(scope="module")
def known(images) -> np.ndarray:
    mask = np.ones(images[0].shape, bool)
    mask[5:15, 30:] = False
    return mask


def gradients(image: np.ndarray) -> np.ndarray:
    """scipy's Gaussian derivatives along x and y, away from the border."""
    orders = ((0, 1), (1, 0))
    found = [ndimage.gaussian_filter(image.astype(float), 1.0, order=o, radius=3) for o in orders]
    return np.stack(found)[:, 3:-3, 3:-3]


def test_cross_correlation(images, known):
    fixed, moving = images
    expected = [np.corrcoef(fixed[known], m[known])[0, 1] for m in moving]
    np.testing.assert_allclose(CrossCorrelation(fixed, known).of_batch(moving), expected, atol=1e-6)


def test_mutual_information(images, known):
    """As scikit-learn counts it, from numpy's histogram."""
    metrics = pytest.importorskip("sklearn.metrics")
    fixed, moving = images
    found = MutualInformation(fixed, known).of_batch(moving)
    for image, value in zip(moving, found, strict=True):
        joint, *_ = np.histogram2d(fixed[known].astype(float), image[known].astype(float), BINS)
        expected = metrics.mutual_info_score(None, None, contingency=joint)
        assert value == pytest.approx(expected, abs=2e-3)


def test_gradient_information(images):
    fixed, moving = images
    found = GradientInformation(fixed, GradientCorrelation.of(fixed, 1.0)).of_batch(moving)
    for image, value in zip(moving, found, strict=True):
        g, h = gradients(fixed), gradients(image)
        g, h = (a / np.sqrt((a**2).sum(axis=0).mean()) for a in (g, h))
        angle = np.arctan2(g[1], g[0]) - np.arctan2(h[1], h[0])
        weight = (np.cos(2 * angle) + 1) / 2
        least = np.minimum(np.linalg.norm(g, axis=0), np.linalg.norm(h, axis=0))
        assert value == pytest.approx((weight * least).mean(), abs=2e-3)


def test_patches(images):
    """The mean over patches of the plain correlation in each."""
    fixed, moving = images
    found = PatchCorrelation(GradientCorrelation.of(fixed, 1.0), 8).of_batch(moving)
    for image, value in zip(moving, found, strict=True):
        a, b = gradients(fixed), gradients(image)
        scores = [
            np.corrcoef(
                a[axis, y : y + 8, x : x + 8].ravel(), b[axis, y : y + 8, x : x + 8].ravel()
            )[0, 1]
            for axis in (0, 1)
            for y in range(0, 32, 8)
            for x in range(0, 40, 8)
        ]
        assert value == pytest.approx(np.mean(scores), abs=1e-3)


@pytest.mark.parametrize(
    "name",
    ["gradient_correlation", "cross_correlation", "gradient_information", "mutual_information"],
)
def test_every_one_is_highest_where_the_images_are_one(images, known, name):
    fixed, _ = images
    config = RegistrationConfig(similarity=name)
    measure = similarity_of(fixed, known, GradientCorrelation.of(fixed, 1.0, known), 1.0, config)
    shifted = np.stack([np.roll(fixed, s, axis=1) for s in (0, 1, 2, 5)])
    scores = measure.of_batch(shifted)
    assert (np.diff(scores) < 0).all()
