"""A fold's model: learned from toys, tested on another toy, saved, and restored."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from bmdpipe.core.errors import CaseError, UsageError
from bmdpipe.core.labels import BODIES
from bmdpipe.core.volume import Volume
from bmdpipe.segmentation.fold import FoldModel, split, train_fold
from bmdpipe.segmentation.prediction import predict
from bmdpipe.segmentation.quality import QualityLine, QualityPoint, dice_of, fit_quality
from bmdpipe.segmentation.quality_fit import quality_points, worsened
from bmdpipe.segmentation.saved import restore, save
from bmdpipe.segmentation.slices import Annotated
from bmdpipe.segmentation.subject import Segmented, segment_subject
from tests.segmentation.bodies import toy, toy_config

CPU = torch.device("cpu")
SUBJECTS = {f"T{i}": i for i in range(6)}
CONFIG = toy_config()


@pytest.fixture(scope="module")
def read() -> list[str]:
    return []


@pytest.fixture(scope="module")
def model(read: list[str]) -> FoldModel:
    def reading(subject: str) -> Annotated:
        read.append(subject)
        return toy(subject, SUBJECTS[subject])

    return train_fold(list(SUBJECTS)[:5], reading, CONFIG, 0, CPU)


@pytest.fixture(scope="module")
def points(model: FoldModel) -> dict[str, list[QualityPoint]]:
    return quality_points(
        model.net, CONFIG.network, model.held_out, lambda s: toy(s, SUBJECTS[s]), CONFIG, CPU
    )


@pytest.fixture(scope="module")
def quality(points: dict[str, list[QualityPoint]]) -> dict[str, QualityLine]:
    return {name: fit_quality(found) for name, found in points.items()}


def segmented(model: FoldModel, quality: dict[str, QualityLine], ct: Volume) -> Segmented:
    return segment_subject(model.net, ct, "T5", "R", CONFIG.network, quality, CONFIG, CPU)


def test_only_the_given_subjects_are_read(model: FoldModel, read: list[str]) -> None:
    assert sorted((*set(read), *model.held_out)) == ["T0", "T1", "T2", "T3", "T4"]
    assert len(model.held_out) == 1
    assert not set(model.held_out) & set(model.trained_on)


def test_a_new_subject_is_segmented(model: FoldModel, quality: dict[str, QualityLine]) -> None:
    unseen = toy("T5", 5)
    found = segmented(model, quality, unseen.ct)
    for name, label in BODIES.items():
        assert dice_of(found.labels.array == label, unseen.labels.array == label) > 0.9, name
        assert found.structures[name].predicted_dice > 0.7
    doubtful = {n for n, m in found.structures.items() if m.predicted_dice < 0.9}
    assert {w.code for w in found.warnings} == ({"W_SEGMENTATION"} if doubtful else set())
    assert len(found.warnings) == len(doubtful)
    assert found.variance.array.min() >= 0
    assert found.variance.array.max() <= 0.25
    assert found.labels.array.dtype == np.uint8


def test_metal_is_no_bone(model: FoldModel, quality: dict[str, QualityLine]) -> None:
    """A stem in the left femur is left out of it, and neither the other femur nor the pelvis is the
    worse for it."""
    unseen = toy("T5", 5)
    femur = unseen.labels.array == BODIES["femur_l"]
    rows, columns = (int(v.mean()) for v in np.nonzero(femur)[1:])
    stem = np.zeros_like(femur)
    stem[:14, rows - 1 : rows + 2, columns - 1 : columns + 2] = True
    hu = np.where(stem, 3071, unseen.ct.array).astype(np.int16)
    found = segmented(model, quality, unseen.ct.like(hu, "HU"))
    for name in ("pelvis", "femur_r"):
        label = BODIES[name]
        assert dice_of(found.labels.array == label, unseen.labels.array == label) > 0.9, name
    assert found.labels.array[stem].mean() < 0.1 * BODIES["femur_l"]


def test_the_batch_size_changes_no_geometry(model: FoldModel) -> None:
    """Dropout falls otherwise in other batches, but the bones stay where they are."""
    config = CONFIG.prediction
    unseen = toy("T5", 5).ct
    one = predict(model.net, unseen, CONFIG.network, config, 3, CPU)
    again = predict(model.net, unseen, CONFIG.network, config, 3, CPU)
    np.testing.assert_array_equal(one.classes.array, again.classes.array)
    other = config.model_copy(update={"batch_size": 3})
    two = predict(model.net, unseen, CONFIG.network, other, 3, CPU)
    for label in (1, 2):
        assert dice_of(one.classes.array == label, two.classes.array == label) > 0.95


def test_slices_left_out_are_interpolated(model: FoldModel) -> None:
    """Every second slice alone goes through the network; the bones hardly change."""
    ct = toy("T5", 5).ct
    fewer = CONFIG.prediction.model_copy(update={"slice_mm": 2 * ct.spacing_mm[2]})
    one = predict(model.net, ct, CONFIG.network, CONFIG.prediction, 3, CPU).classes.array
    two = predict(model.net, ct, CONFIG.network, fewer, 3, CPU).classes.array
    for label in (1, 2):
        assert dice_of(one == label, two == label) > 0.85


def test_the_line_is_fitted_on_the_final_labels_of_the_held_out(
    model: FoldModel, points: dict[str, list[QualityPoint]], quality: dict[str, QualityLine]
) -> None:
    """The point of the CT as it is has the Dice of the labels that the subject would be given."""
    assert set(points) == {"pelvis", "femur"}
    assert {p.subject for found in points.values() for p in found} == set(model.held_out)
    assert len({p.worsened for p in points["pelvis"]}) == 1 + CONFIG.quality.copies
    (subject,) = model.held_out
    annotated = toy(subject, SUBJECTS[subject])
    found = segmented(model, quality, annotated.ct).labels.array
    (plain,) = [p for p in points["pelvis"] if p.worsened == 0]
    dice = dice_of(found == BODIES["pelvis"], annotated.labels.array == BODIES["pelvis"])
    assert plain.dice == pytest.approx(dice, abs=0.02)  # other passes, the same steps


def test_a_worsened_copy_changes_the_picture_and_repeats() -> None:
    annotated = toy("T1", 1)
    changes = CONFIG.training.augmentation
    one, two = (worsened(annotated, changes, 2.0, 7) for _ in range(2))
    np.testing.assert_array_equal(one.array, two.array)
    inside = annotated.ct.array > -500
    apart = np.abs(one.array.astype(float) - annotated.ct.array)[inside]
    milder = worsened(annotated, changes, 0.5, 7).array.astype(float) - annotated.ct.array
    assert np.median(apart) > np.median(np.abs(milder)[inside]) > 0


def test_an_empty_ct_is_refused(model: FoldModel, quality: dict[str, QualityLine]) -> None:
    ct = toy().ct
    air = ct.like(np.full_like(ct.array, -1000), "HU")
    with pytest.raises(CaseError, match="no body") as caught:
        segmented(model, quality, air)
    assert caught.value.code == "E_SEGMENTATION"


def test_a_saved_model_predicts_the_same(model: FoldModel, tmp_path: Path) -> None:
    saved = save(tmp_path / "w.safetensors", model.net, CONFIG.network)
    described = json.loads(json.dumps(saved))
    net, network = restore(tmp_path / "w.safetensors", described)
    ct = toy("T5", 5).ct
    one = predict(model.net, ct, CONFIG.network, CONFIG.prediction, 3, CPU)
    two = predict(net, ct, network, CONFIG.prediction, 3, CPU)
    np.testing.assert_array_equal(one.variance.array, two.variance.array)
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
