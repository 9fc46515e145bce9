"""The note of empty bricks: never empty where a sample can read something."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from bmdpipe.projection.bricks import BRICK, bricks_of
from bmdpipe.projection.rows import packed_zeros, store_along


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


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("shape", [(7, 9, 21), (3, 4, 1100)])
def test_a_rows_span_holds_all_its_voxels_and_ends_near_the_last(axis, shape):
    values = packed_zeros(shape, np.int16)
    values[:] = np.random.default_rng(3).random(shape) < 0.02
    store = store_along(values, axis)
    a, b, c = store.axes
    rows = values.transpose(2 - a, 2 - c, 2 - b)
    near = (1 << store.shift) - 1
    for row, (low, high) in zip(
        rows.reshape(-1, rows.shape[-1]), store.spans.reshape(-1, 2), strict=True
    ):
        held = np.flatnonzero(row)
        if held.size == 0:
            assert low >= high
        else:
            assert 0 <= held[0] - low <= near
            assert 0 <= high - 1 - held[-1] <= near
