"""The domain of the training images: members lie inside, what differs in one way is named."""

import numpy as np
import pytest

from bmdpipe.geometry.camera import Camera
from bmdpipe.pairs.domain import TOLERANCE, fit_domain, plain_statistics, right_like
from bmdpipe.pairs.store import Case, Pairs

SIZE = (32, 64)
WIDTH_MM = 160.0
CAMERA = Camera.centred(1200.0, (5.0, 5.0), SIZE)


def hip(rng):
    """A shaft that is not in the middle, of a place and a strength that vary."""
    y, x = np.mgrid[:64, :32]
    shaft = np.exp(-((x - 9 - rng.normal()) ** 2) / 20) * (0.6 + 0.1 * rng.random())
    head = np.exp(-((x - 20) ** 2 + (y - 20 - rng.normal()) ** 2) / 60) * 0.6
    return (0.1 + shaft + head + 0.03 * rng.random((64, 32))).astype(np.float32)


def of(images, sides=None, mirrored=False):
    cases = tuple(
        Case(f"S{i // 2}", "standing", "standing", side, i, True, CAMERA, mirrored, 1.0)
        for i, side in enumerate(sides or "R" * len(images))
    )
    return Pairs(cases, {"radiograph": np.stack(images)})


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    return [hip(rng) for _ in range(24)]


@pytest.fixture(scope="module")
def domain(images):
    return fit_domain(of(images))


def test_what_was_fitted_lies_inside(domain, images):
    for image in images:
        assert domain.strange(domain.statistics(image, WIDTH_MM)) == ()


@pytest.mark.parametrize(
    ("change", "width_mm", "named"),
    [
        (lambda image: image, 2 * WIDTH_MM, "width_mm"),
        (lambda image: image + 0.5, WIDTH_MM, "mean"),
        (lambda image: 3 * (image - 0.2), WIDTH_MM, "sd"),
        (lambda image: image[::-1, ::-1].copy(), WIDTH_MM, "unexplained"),
        (lambda image: image + 0.5 * (np.indices(image.shape).sum(0) % 2), WIDTH_MM, "roughness"),
    ],
)
def test_what_differs_is_named(domain, images, change, width_mm, named):
    changed = np.asarray(change(images[0]), np.float32)
    assert named in domain.strange(domain.statistics(changed, width_mm))


def test_gain_and_offset_leave_nothing_more_unexplained(domain, images):
    plain = domain.statistics(images[0], WIDTH_MM)["unexplained"]
    changed = domain.statistics(0.5 * images[0] + 0.2, WIDTH_MM)["unexplained"]
    assert changed == pytest.approx(plain, rel=1e-4)


def test_left_hips_count_as_right_ones(domain, images):
    """As taken (mirrored by nature), or turned by the pairs already."""
    sides = "RL" * 12
    seen = [
        image if s == "R" else image[:, ::-1].copy() for image, s in zip(images, sides, strict=True)
    ]
    as_taken = fit_domain(of(seen, sides))
    np.testing.assert_allclose(as_taken.mean, domain.mean, atol=1e-5)
    assert right_like(images[0], "L", True) is images[0]
    np.testing.assert_array_equal(right_like(images[0], "L", False), images[0][:, ::-1])


def test_plain_statistics_of_a_known_image():
    image = np.zeros((4, 4), np.float32)
    image[:, 2:] = 2.0
    found = plain_statistics(image, 100.0)
    assert (found["mean"], found["sd"], found["dark"], found["bright"]) == (1.0, 1.0, 0.5, 0.5)
    # One of three steps along a row is 2, none along a column: mean of 2/3 and 0, over 1.
    assert found["roughness"] == pytest.approx(1 / 3)


def test_a_limit_reaches_beyond_the_range_by_the_tolerance(domain, images):
    means = [float(image.mean()) for image in images]
    low, high = domain.limits["mean"]
    reach = TOLERANCE * max(max(means) - min(means), 0.1 * (max(means) + min(means)) / 2)
    assert (low, high) == pytest.approx((min(means) - reach, max(means) + reach))


def test_two_subjects_make_no_domain(images):
    with pytest.raises(ValueError, match="three subjects"):
        fit_domain(of(images[:4]))
