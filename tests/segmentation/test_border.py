"""The shell that is added to a bone is dense, near, and no other bone's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from bmdpipe.core.labels import FEMUR_R, PELVIS
from bmdpipe.core.volume import Volume
from bmdpipe.segmentation.border import with_shell, without_holes

SPACING = (1.5, 1.5, 3.0)
SHELL_HU, REACH_MM = 300.0, 3.0


def volume(array: np.ndarray, unit: str) -> Volume:
    return Volume(array, SPACING, (0.0, 0.0, 0.0), unit)


def disc(radius_px: float) -> np.ndarray:
    _, y, x = np.indices((4, 40, 40))
    return np.hypot(y - 20, x - 20) <= radius_px


def test_a_missed_cortex_is_added():
    """Two pixels of dense shell; the soft tissue around them stays background."""
    ct = volume(np.where(disc(12) & ~disc(9), 800, 40).astype(np.int16), "HU")
    labels = volume(np.where(disc(10), FEMUR_R, 0).astype(np.uint8), "label")
    found = with_shell(labels, ct, SHELL_HU, REACH_MM).array == FEMUR_R
    np.testing.assert_array_equal(found, disc(12))


def test_it_ends_at_the_reach():
    ct = volume(np.full((4, 40, 40), 800, np.int16), "HU")
    labels = volume(np.where(disc(8), PELVIS, 0).astype(np.uint8), "label")
    found = with_shell(labels, ct, SHELL_HU, REACH_MM).array > 0
    far = ndimage.distance_transform_edt(~disc(8), sampling=SPACING[::-1])
    assert far[found].max() <= REACH_MM + 1e-6
    assert found.sum() > disc(8).sum()


@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_taken_from_any_bone(seed):
    """On noise: no label changes but from background, and only where the CT is dense."""
    rng = np.random.default_rng(seed)
    array = np.where(disc(6), PELVIS, 0) + np.where(disc(12) & ~disc(7), FEMUR_R, 0)
    labels = volume(array.astype(np.uint8), "label")
    ct = volume(rng.normal(250, 150, array.shape).astype(np.int16), "HU")
    found = with_shell(labels, ct, SHELL_HU, REACH_MM).array
    changed = found != labels.array
    assert changed.any()
    assert (labels.array[changed] == 0).all()
    assert (ct.array[changed] >= SHELL_HU).all()


def test_an_empty_map_stays_empty():
    labels = volume(np.zeros((2, 8, 8), np.uint8), "label")
    ct = volume(np.full((2, 8, 8), 900, np.int16), "HU")
    assert not with_shell(labels, ct, SHELL_HU, REACH_MM).array.any()


def test_marrow_belongs_to_the_femur():
    """A tube is filled, open at both ends as it is; the pelvis keeps its holes."""
    tube = np.where(disc(10) & ~disc(5), FEMUR_R, 0)
    np.testing.assert_array_equal(
        without_holes(volume(tube.astype(np.uint8), "label")).array == FEMUR_R, disc(10)
    )
    ring = volume(np.where(tube > 0, PELVIS, 0).astype(np.uint8), "label")
    np.testing.assert_array_equal(without_holes(ring).array, ring.array)


def test_a_hole_that_holds_another_bone_keeps_it():
    array = np.where(disc(10) & ~disc(6), FEMUR_R, 0) + np.where(disc(3), PELVIS, 0)
    found = without_holes(volume(array.astype(np.uint8), "label")).array
    np.testing.assert_array_equal(found == PELVIS, disc(3))
    np.testing.assert_array_equal(found == FEMUR_R, disc(10) & ~disc(3))
