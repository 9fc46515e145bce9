"""A fold's model: learned from toys, tested on another toy, saved, and restored."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from bmdpipe.core.errors import CaseError, UsageError
from bmdpipe.core.labels import BODIES
from bmdpipe.segmentation.fold import FoldModel, restore, split, train_fold
from bmdpipe.segmentation.prediction import predict
from bmdpipe.segmentation.quality import dice_of
from bmdpipe.segmentation.slices import Annotated
from bmdpipe.segmentation.subject import segment_subject
from tests.segmentation.bodies import toy, toy_config

CPU = torch.device("cpu")
SUBJECTS = {f"T{i}": i for i in range(6)}


@pytest.fixture(scope="module")
def read() -> list[str]:
    return []


@pytest.fixture(scope="module")
def model(read: list[str]) -> FoldModel:
    def reading(subject: str) -> Annotated:
        read.append(subject)
        return toy(subject, SUBJECTS[subject])

    return train_fold(list(SUBJECTS)[:5], reading, toy_config(), 0, CPU)


def test_only_the_given_subjects_are_read(model: FoldModel, read: list[str]) -> None:
    assert sorted(set(read)) == ["T0", "T1", "T2", "T3", "T4"]
    assert len(model.held_out) == 1
    assert not set(model.held_out) & set(model.trained_on)


def test_a_new_subject_is_segmented(model: FoldModel) -> None:
    unseen = toy("T5", 5)
    config = toy_config()
    found = segment_subject(
        model.net, unseen.ct, "T5", "R", model.network, model.quality, config, CPU
    )
    for name, label in BODIES.items():
        assert dice_of(found.labels.array == label, unseen.labels.array == label) > 0.9, name
        assert found.structures[name].predicted_dice > 0.8
    doubtful = {n for n, m in found.structures.items() if m.predicted_dice < 0.9}
    assert {w.code for w in found.warnings} == ({"W_SEGMENTATION"} if doubtful else set())
    assert len(found.warnings) == len(doubtful)
    assert found.variance.array.min() >= 0
    assert found.variance.array.max() <= 0.25
    assert found.labels.array.dtype == np.uint8


def test_metal_is_no_bone(model: FoldModel) -> None:
    """A stem in the left femur is left out of it, and neither the other femur nor the pelvis is the
    worse for it."""
    unseen = toy("T5", 5)
    femur = unseen.labels.array == BODIES["femur_l"]
    rows, columns = (int(v.mean()) for v in np.nonzero(femur)[1:])
    stem = np.zeros_like(femur)
    stem[:14, rows - 1 : rows + 2, columns - 1 : columns + 2] = True
    hu = np.where(stem, 3071, unseen.ct.array).astype(np.int16)
    ct = unseen.ct.like(hu, "HU")
    config = toy_config()
    found = segment_subject(model.net, ct, "T5", "R", model.network, model.quality, config, CPU)
    for name in ("pelvis", "femur_r"):
        label = BODIES[name]
        assert dice_of(found.labels.array == label, unseen.labels.array == label) > 0.9, name
    assert found.labels.array[stem].mean() < 0.1 * BODIES["femur_l"]


def test_the_batch_size_changes_no_geometry(model: FoldModel) -> None:
    """Dropout falls otherwise in other batches, but the bones stay where they are."""
    config = toy_config().prediction
    unseen = toy("T5", 5).ct
    one = predict(model.net, unseen, model.network, config, 3, CPU)
    again = predict(model.net, unseen, model.network, config, 3, CPU)
    np.testing.assert_array_equal(one.classes.array, again.classes.array)
    other = config.model_copy(update={"batch_size": 3})
    two = predict(model.net, unseen, model.network, other, 3, CPU)
    for label in (1, 2):
        assert dice_of(one.classes.array == label, two.classes.array == label) > 0.95


def test_noise_raises_the_variance_and_lowers_the_predicted_dice(model: FoldModel) -> None:
    for line in model.quality.values():
        assert line.slope <= 0
        assert line.points == 2
    assert set(model.held_out_dice) == {"pelvis", "femur"}


def test_an_empty_ct_is_refused(model: FoldModel) -> None:
    ct = toy().ct
    air = ct.like(np.full_like(ct.array, -1000), "HU")
    with pytest.raises(CaseError, match="no body") as caught:
        segment_subject(model.net, air, "T9", "R", model.network, model.quality, toy_config(), CPU)
    assert caught.value.code == "E_SEGMENTATION"


def test_a_saved_model_predicts_the_same(model: FoldModel, tmp_path: Path) -> None:
    described = json.loads(json.dumps(model.save(tmp_path / "w.safetensors")))
    net, network, quality = restore(tmp_path / "w.safetensors", described)
    ct = toy("T5", 5).ct
    config = toy_config().prediction
    one = predict(model.net, ct, model.network, config, 3, CPU)
    two = predict(net, ct, network, config, 3, CPU)
    np.testing.assert_array_equal(one.variance.array, two.variance.array)
    assert quality == model.quality
    described["network"]["pixel_mm"] = 2.0
    with pytest.raises(UsageError, match="another network"):
        restore(tmp_path / "w.safetensors", described)


def test_the_split_follows_the_subjects_and_not_their_order() -> None:
    config = toy_config()
    names = [f"V{i:03d}" for i in range(12)]
    assert split(names, config, 3) == split(names[::-1], config, 3)
    trained_on, held_out = split(names, config, 3)
    assert len(held_out) == 2
    assert sorted((*trained_on, *held_out)) == names


def test_few_subjects_are_all_trained_on() -> None:
    assert split(["B", "A"], toy_config(), 0) == (("A", "B"), ())


def test_labels_of_another_grid_are_refused() -> None:
    whole = toy()
    part = whole.labels.crop(slice(0, 5), slice(0, 64), slice(0, 80))
    with pytest.raises(ValueError, match="do not fit"):
        Annotated("T0", whole.ct, part)
