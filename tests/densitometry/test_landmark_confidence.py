"""The landmarks' confidence is high on a whole femur and low where they are wrong."""

from __future__ import annotations

import numpy as np
import pytest

from bmdpipe.core.errors import CaseError
from bmdpipe.core.volume import Volume
from bmdpipe.densitometry.femur import find_landmarks, trusted
from tests.densitometry.analytic_femur import analytic_femur


def _world(labels: Volume) -> tuple[np.ndarray, ...]:
    nz, ny, nx = labels.array.shape
    x, y, z = (
        o + s * np.arange(n)
        for o, s, n in zip(labels.origin_mm, labels.spacing_mm, (nx, ny, nz), strict=True)
    )
    return x[None, None, :], y[None, :, None], z[:, None, None]


def without_lesser_trochanter(labels, points):
    """What stands out of the shaft's cylinder near the trochanter is gone."""
    x, y, z = _world(labels)
    at = points["shaft_2cm"] + [0, 0, 20]
    far = (x - at[0]) ** 2 + (y - at[1]) ** 2 > 15.5**2
    return far & (np.abs(z - at[2]) < 14)


def without_the_heads_upper_part(labels, points):
    _, _, z = _world(labels)
    x, y, _ = _world(labels)
    head = points["head_centre"]
    near = (x - head[0]) ** 2 + (y - head[1]) ** 2 + (z - head[2]) ** 2 < 27**2
    return near & (z > head[2] + 5)


def without_the_heads_inner_half(labels, points):
    x, y, z = _world(labels)
    head = points["head_centre"]
    near = (x - head[0]) ** 2 + (y - head[1]) ** 2 + (z - head[2]) ** 2 < 27**2
    return near & (x > head[0] + 6)


@pytest.fixture(scope="module")
def femur():
    return analytic_femur(spacing_mm=(1.5, 1.5, 2.0))


def test_a_whole_femur_is_trusted(femur) -> None:
    labels, _ = femur
    found = find_landmarks(labels, "R", "S1")
    assert found.confidence > 0.9
    assert trusted(found, "S1/R", 0.1, 0.5).warnings == ()


@pytest.mark.parametrize(
    ("taken", "told"),
    [
        (without_lesser_trochanter, "lesser trochanter"),
        (without_the_heads_upper_part, "head"),
    ],
)
def test_a_maimed_femur_is_not_trusted(femur, taken, told) -> None:
    """The landmarks come with a doubt that names the part."""
    labels, points = femur
    maimed = np.where(taken(labels, points), 0, labels.array).astype(np.uint8)
    found = find_landmarks(labels.like(maimed, "label"), "R", "S1")
    assert found.confidence < 0.6
    assert found.plausible is not None
    assert told in found.plausible.weakest
    with pytest.raises(CaseError, match="E_LANDMARKS"):
        trusted(found, "S1/R", found.confidence + 0.01, 1.0)


def test_half_a_head_is_refused_outright(femur) -> None:
    labels, points = femur
    maimed = np.where(without_the_heads_inner_half(labels, points), 0, labels.array)
    with pytest.raises(CaseError, match=r"E_LANDMARKS.*head is no sphere"):
        find_landmarks(labels.like(maimed.astype(np.uint8), "label"), "R", "S1")


def test_a_doubt_is_a_warning_between_the_limits(femur) -> None:
    found = find_landmarks(femur[0], "R", "S1")
    doubted = trusted(found, "S1/R", 0.0, 1.01)
    assert [w.code for w in doubted.warnings] == ["W_LANDMARKS"]
    assert doubted.points is found.points
