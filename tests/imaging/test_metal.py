"""Metal in a CT is found by side, and shown to nobody as bone."""

from __future__ import annotations

import numpy as np
import pytest

from bmdpipe.core.volume import Volume
from bmdpipe.imaging.metal import METAL_HU, metal_sides, without_metal

SPACING = (2.0, 2.0, 3.0)


def body(*boxes: tuple[slice, slice, slice], hu: int = 3071) -> Volume:
    """A body of water, off the image's middle, with boxes `[z, y, x]` of another value in it."""
    array = np.full((20, 40, 80), -1000, np.int16)
    array[:, 8:32, 20:78] = 0
    for box in boxes:
        array[box] = hu
    return Volume(array, SPACING, (-80.0, -40.0, 0.0), "HU")


RIGHT = (slice(5, 10), slice(15, 21), slice(28, 34))
LEFT = (slice(5, 10), slice(15, 21), slice(64, 70))
SPECK = (slice(5, 6), slice(15, 18), slice(28, 30))


@pytest.mark.parametrize(
    ("boxes", "sides"),
    [((), ()), ((RIGHT,), ("R",)), ((LEFT,), ("L",)), ((RIGHT, LEFT), ("R", "L")), ((SPECK,), ())],
)
def test_sides_with_an_implant(boxes, sides):
    """x rises to the patient's left; the middle is the body's, not the image's."""
    assert metal_sides(body(*boxes)) == sides


def test_bone_is_no_metal():
    assert metal_sides(body(RIGHT, LEFT, hu=1900)) == ()


def test_metal_and_its_rim_become_soft_tissue():
    """The densest rim around it goes; bone further off, and bone that is no rim, stay."""
    ct = body(LEFT)
    z, y, x = LEFT
    ct.array[z, y, x.stop] = 1500
    ct.array[z, y, x.start - 1] = 400
    ct.array[z, y, 40] = 1500
    shown = without_metal(ct)
    assert shown.array.max() == 1500
    assert (shown.array[z, y, x.stop] < 100).all()
    assert (shown.array[LEFT] < 100).all()
    np.testing.assert_array_equal(shown.array[z, y, x.start - 1], 400)
    np.testing.assert_array_equal(shown.array[z, y, 40], 1500)
    assert ct.array.max() > METAL_HU


def test_without_metal_nothing_changes():
    ct = body(LEFT, hu=1500)
    np.testing.assert_array_equal(without_metal(ct).array, ct.array)
