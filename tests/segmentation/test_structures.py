"""Bones come from classes by anatomy: pieces, sides, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from bmdpipe.core.config.segmentation import SegmentationPrediction
from bmdpipe.core.errors import CaseError
from bmdpipe.core.labels import FEMUR_L, FEMUR_R, PELVIS
from bmdpipe.core.volume import Volume
from bmdpipe.segmentation.classes import classes_of
from bmdpipe.segmentation.structures import (
    bones,
    check_bones,
    volumes_ml,
    without_upper_spine,
)
from tests.segmentation.bodies import toy

LIMITS = SegmentationPrediction(min_pelvis_ml=50, min_femur_ml=50, min_femur_mm=60)


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


def test_half_a_pelvis_swaps_no_sides() -> None:
    """What the field of view leaves of the pelvis may have its centre beyond a femur."""
    labels = truth()
    array = labels.array.copy()
    array[:, :, 36:48][array[:, :, 36:48] == PELVIS] = 0
    array[4:16, 20:60, 74:79] = PELVIS
    classes = labels.like(classes_of(array), "label")
    found = bones(classes, 0.05).array
    for label in (FEMUR_R, FEMUR_L):
        np.testing.assert_array_equal(found == label, array == label)


@pytest.mark.parametrize("label", [FEMUR_R, FEMUR_L])
def test_a_femur_alone_lies_on_its_side_of_the_pelvis(label: int) -> None:
    labels = truth()
    other = FEMUR_R + FEMUR_L - label
    array = np.where(labels.array == other, 0, labels.array)
    # A piece of the same femur, broken off below, is no other femur.
    array[7] = 0
    found = bones(labels.like(classes_of(array), "label"), 0.05).array
    assert set(np.unique(found)) == {0, PELVIS, label}


def test_the_spine_above_the_crests_goes() -> None:
    labels = truth()
    array = labels.array.copy()
    middle = int(np.nonzero(array == PELVIS)[2].mean())
    array[:17, 20:24, middle - 18 : middle - 15] = PELVIS
    array[17:20, 30:34, middle - 2 : middle + 2] = PELVIS
    spacing = labels.spacing_mm[2]
    kept = without_upper_spine(labels.like(array, "label"), above_crest_mm=spacing).array
    np.testing.assert_array_equal(kept[:18], array[:18])
    assert not kept[18:].any()
    np.testing.assert_array_equal(
        without_upper_spine(labels.like(array, "label"), 3 * spacing).array, array
    )


def test_specks_go_and_large_pieces_of_the_pelvis_stay() -> None:
    labels = truth()
    classes = as_classes(labels).array.copy()
    expected = labels.array.copy()
    classes[0, 0, 0], classes[0, 0, 70] = 1, 2
    classes[:, 50:58, 36:44] = 1
    expected[:, 50:58, 36:44] = PELVIS
    found = bones(labels.like(classes, "label"), 0.05).array
    np.testing.assert_array_equal(found, expected)


def test_a_mistaken_piece_joins_the_bone_around_it() -> None:
    """Pelvis called femur amid the pelvis is pelvis, and a femur's piece called pelvis is femur."""
    labels = truth()
    classes = as_classes(labels).array.copy()
    z, y, x = (int(v.mean()) for v in np.nonzero(labels.array == PELVIS))
    classes[z - 1 : z + 2, y - 1 : y + 2, x - 1 : x + 2] = 2
    z, y, x = (int(v.mean()) for v in np.nonzero(labels.array == FEMUR_L))
    classes[z, y : y + 2, x : x + 2] = 1
    found = bones(labels.like(classes, "label"), 0.05).array
    np.testing.assert_array_equal(found, labels.array)


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


def test_a_target_femur_that_the_ct_cuts_short_refuses() -> None:
    array = truth().array.copy()
    array[:8][array[:8] == FEMUR_R] = 0
    short = truth().like(array, "label").crop(slice(8, 20), slice(None), slice(None))
    with pytest.raises(CaseError, match="ends 48 mm below the top") as caught:
        check_bones(short, "R", "V1", LIMITS)
    assert caught.value.code == "E_FOV"
    assert check_bones(short, "R", "V1", LIMITS.model_copy(update={"min_femur_mm": 40.0})) == ()


def test_unknown_labels_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown label 7"):
        classes_of(np.array([0, 7]))
