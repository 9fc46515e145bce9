"""Bones come from classes by anatomy: pieces, sides, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from bmdpipe.core.config.segmentation import SegmentationPrediction
from bmdpipe.core.errors import CaseError
from bmdpipe.core.labels import FEMUR_L, FEMUR_R, PELVIS
from bmdpipe.core.volume import Volume
from bmdpipe.segmentation.classes import classes_of
from bmdpipe.segmentation.structures import bones, check_bones, volumes_ml
from tests.segmentation.bodies import toy

LIMITS = SegmentationPrediction(min_pelvis_ml=50, min_femur_ml=50)


def truth() -> Volume:
    return toy().labels


def as_classes(labels: Volume) -> Volume:
    return labels.like(classes_of(labels.array), "label")


def test_bones_of_true_classes_are_the_true_labels() -> None:
    np.testing.assert_array_equal(bones(as_classes(truth()), 0.05).array, truth().array)


def test_a_mirrored_patient_swaps_sides() -> None:
    labels = truth()
    swap = np.array([0, PELVIS, FEMUR_L, FEMUR_R], dtype=np.uint8)
    mirrored = labels.like(labels.array[:, :, ::-1], "label")
    found = bones(as_classes(mirrored), 0.05)
    np.testing.assert_array_equal(found.array, swap[mirrored.array])


def test_sides_do_not_follow_the_image_half() -> None:
    """A patient far off the middle has both femora in one half of the image."""
    labels = truth()
    padded = np.pad(as_classes(labels).array, ((0, 0), (0, 0), (0, 120)))
    wide = Volume(padded, labels.spacing_mm, labels.origin_mm, "label")
    found = bones(wide, 0.05).array[:, :, : labels.array.shape[2]]
    np.testing.assert_array_equal(found, labels.array)


def test_specks_go_and_large_pieces_of_the_pelvis_stay() -> None:
    labels = truth()
    classes = as_classes(labels).array.copy()
    expected = labels.array.copy()
    classes[0, 0, 0], classes[0, 0, 70] = 1, 2
    classes[:, 50:58, 36:44] = 1
    expected[:, 50:58, 36:44] = PELVIS
    found = bones(labels.like(classes, "label"), 0.05).array
    np.testing.assert_array_equal(found, expected)


def test_nothing_found_leaves_nothing() -> None:
    empty = truth().like(np.zeros_like(truth().array), "label")
    assert not bones(empty, 0.05).array.any()
    only_femora = as_classes(truth()).array * (as_classes(truth()).array == 2)
    assert not bones(truth().like(only_femora, "label"), 0.05).array.any()


def test_volumes_are_voxels_times_their_volume() -> None:
    labels = truth()
    assert volumes_ml(labels)["pelvis"] == pytest.approx(
        (labels.array == PELVIS).sum() * 4 * 4 * 8 / 1000
    )


def test_good_bones_pass() -> None:
    assert check_bones(truth(), "R", "V1", LIMITS) == ()


def without(label: int) -> Volume:
    labels = truth()
    return labels.like(np.where(labels.array == label, 0, labels.array), "label")


@pytest.mark.parametrize(("missing", "side"), [(PELVIS, "R"), (FEMUR_R, "R"), (FEMUR_L, "L")])
def test_a_missing_bone_that_is_needed_refuses(missing: int, side: str) -> None:
    with pytest.raises(CaseError) as caught:
        check_bones(without(missing), side, "V1", LIMITS)
    assert caught.value.code == "E_SEGMENTATION"
    assert caught.value.case == "V1"


def test_the_other_femur_only_warns() -> None:
    (warning,) = check_bones(without(FEMUR_L), "R", "V1", LIMITS)
    assert warning.code == "W_SEGMENTATION"
    assert "femur_l" in warning.text


@pytest.mark.parametrize(
    ("border", "index"),
    [
        ("superior", np.s_[-1, 30, 20]),
        ("right", np.s_[9, 30, 0]),
        ("left", np.s_[9, 30, -1]),
        ("anterior", np.s_[9, 0, 20]),
        ("posterior", np.s_[9, -1, 20]),
    ],
)
def test_a_cut_target_femur_refuses(border: str, index: tuple) -> None:
    array = truth().array.copy()
    array[index] = FEMUR_R
    labels = truth().like(array, "label")
    with pytest.raises(CaseError, match=border) as caught:
        check_bones(labels, "R", "V1", LIMITS)
    assert caught.value.code == "E_FOV"
    (warning,) = check_bones(labels, "L", "V1", LIMITS)
    assert warning.code == "W_FOV"


def test_unknown_labels_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown label 7"):
        classes_of(np.array([0, 7]))
