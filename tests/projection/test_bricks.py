"""The note of empty bricks: never empty where a sample can read something."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from bmdpipe.projection.bricks import BRICK, bricks_of


@pytest.mark.parametrize("shape", [(1, 1, 1), (8, 9, 17), (20, 16, 31)])
@pytest.mark.parametrize("share", [0.0, 0.002, 0.3])
def test_a_brick_holds_what_its_samples_can_read(shape, share):
    """Voxels of the brick and the next one along each axis, by a plain dilation of the voxels."""
    values = np.random.default_rng(1).random(shape) < share
    reach = ndimage.binary_dilation(values, np.ones((2, 2, 2)), origin=(0, 0, 0))
    z, y, x = np.indices(shape) // BRICK
    expected = np.zeros([-(-n // BRICK) for n in shape], np.uint8)
    np.maximum.at(expected, (z, y, x), reach.astype(np.uint8))
    np.testing.assert_array_equal(bricks_of(values.astype(np.int16)), expected)


def test_the_next_brick_first_layer_counts_and_no_other():
    values = np.zeros((24, 24, 24), np.int16)
    values[8, 8, 8] = 1
    assert bricks_of(values)[:2, :2, :2].all()
    values[8, 8, 8], values[9, 9, 9] = 0, 1
    assert np.flatnonzero(bricks_of(values)).tolist() == [
        np.ravel_multi_index((1, 1, 1), (3, 3, 3))
    ]
