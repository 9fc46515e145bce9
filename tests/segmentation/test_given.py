"""A user's masks mean what their table says, and pass the same checks as a network's."""

from __future__ import annotations

import numpy as np
import pytest

from bmdpipe.core.errors import CaseError, UsageError
from bmdpipe.core.labels import BODIES, FEMUR_L, FEMUR_R, PELVIS
from bmdpipe.segmentation.given import given_bones, own_labels
from bmdpipe.segmentation.mask_tables import TABLES, table_of
from tests.segmentation.bodies import toy, toy_config

TOY = toy()


def config(table: object = "own") -> object:
    return toy_config().model_copy(update={"mask_table": table})


@pytest.mark.parametrize("name", sorted(TABLES))
def test_every_value_of_a_table_becomes_its_bone(name: str) -> None:
    table = table_of(name)
    values = [value for body in BODIES for value in table[body]]
    assert len(values) == len(set(values))
    for body, label in BODIES.items():
        for value in table[body]:
            array = np.full_like(TOY.labels.array, value)
            assert (own_labels(TOY.labels.like(array, "label"), table).array == label).all()


def test_our_own_labels_are_taken_as_they_are() -> None:
    found = given_bones(TOY.labels, TOY.ct, "V1", "R", config())
    np.testing.assert_array_equal(found.labels.array, TOY.labels.array)
    assert found.variance is None
    volume = (TOY.labels.array == PELVIS).sum() * TOY.ct.voxel_mm3 / 1000
    assert found.structures["pelvis"].volume_ml == pytest.approx(volume)
    assert found.structures["pelvis"].predicted_dice is None


def test_metal_is_taken_out_of_the_masks() -> None:
    hu = TOY.ct.array.copy()
    hu[3, 30:34, 18:22] = 3071
    found = given_bones(TOY.labels, TOY.ct.like(hu, "HU"), "V1", "R", config())
    assert not found.labels.array[3, 30:34, 18:22].any()


def test_swapped_sides_are_refused() -> None:
    swap = np.array([0, PELVIS, FEMUR_L, FEMUR_R], dtype=np.uint8)
    swapped = TOY.labels.like(swap[TOY.labels.array], "label")
    with pytest.raises(CaseError, match="orientation") as caught:
        given_bones(swapped, TOY.ct, "V1", "R", config())
    assert caught.value.code == "E_SEGMENTATION"


def test_a_map_of_another_table_is_refused() -> None:
    with pytest.raises(CaseError, match="mask table") as caught:
        given_bones(TOY.labels, TOY.ct, "V1", "R", config("totalsegmentator-v1"))
    assert caught.value.code == "E_SEGMENTATION"


def test_a_missing_target_femur_is_refused() -> None:
    array = np.where(TOY.labels.array == FEMUR_R, 0, TOY.labels.array)
    with pytest.raises(CaseError) as caught:
        given_bones(TOY.labels.like(array, "label"), TOY.ct, "V1", "R", config())
    assert caught.value.code == "E_SEGMENTATION"


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ("totalsegmenter", "none of own, totalsegmentator-v1"),
        ({"pelvis": (1,), "femur_r": (2,)}, "no values for femur_l"),
        ({"pelvis": (1, 2), "femur_r": (2,), "femur_l": (3,)}, "2 stands for two bones"),
    ],
)
def test_a_wrong_table_is_the_user_s_mistake(table: object, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        table_of(table)
