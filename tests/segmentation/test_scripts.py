"""The two stages, run on toy subjects: what they leave, and what they must not open."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bmdpipe.core.atomic import read_json, write_json
from bmdpipe.core.config.base import Section
from bmdpipe.core.errors import UsageError
from bmdpipe.core.layout import Layout
from bmdpipe.core.metrics import read_metrics
from bmdpipe.core.records import Record, Refusal, read_record, write_record
from bmdpipe.imaging.nifti import read_volume, write_volume
from tests.segmentation.bodies import toy, toy_config
from workflow_scripts import segment, segment_quality, segment_train
from workflow_scripts.job import Job, run_case, run_job

FOLD_OF = {"T0": 0, "T1": 0, "T2": 1, "T3": 1, "T4": 1}
WITHOUT_LABELS = "T4"


def job(root: Path, stage: str, config: Section | None = None, **keys: str) -> Job:
    section = (config or toy_config()).model_dump(mode="json")
    layout = Layout(str(root), "toys")
    return Job(stage, layout, keys, {"segmentation": section}, {}, 1, "code")


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("results")
    layout = Layout(str(root), "toys")
    for i, subject in enumerate(FOLD_OF):
        folder = Path(layout.at("import", subject=subject))
        annotated = toy(subject, i)
        write_volume(folder / "ct.nii.gz", annotated.ct, {"digest": f"of {subject}"})
        if subject != WITHOUT_LABELS:
            write_volume(folder / "labels.nii.gz", annotated.labels)
        write_json(folder / "subject.json", {"subject": subject, "side": "R"})
        write_record(folder, Record("import", subject))
    lines = ["subject\tfold", *(f"{s}\t{f}" for s, f in FOLD_OF.items())]
    folds = Path(layout.at("folds")) / "folds.tsv"
    folds.parent.mkdir(parents=True)
    folds.write_text("\n".join(lines) + "\n")
    return root


Watch = Callable[[], set[str]]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Watch:
    """The subjects of whose import folder any file but its record was opened."""
    seen: set[str] = set()
    for module in (segment_train, segment_quality, segment):

        def recording(path: Path, original: Callable = module.read_volume) -> object:
            seen.add(Path(path).parent.name)
            return original(path)

        monkeypatch.setattr(module, "read_volume", recording)
    original_hash = segment_train.file_hash

    def hashing(paths: list[Path]) -> str:
        seen.update(path.parent.name for path in paths)
        return original_hash(paths)

    monkeypatch.setattr(segment_train, "file_hash", hashing)
    return lambda: seen


def run(
    stage: str,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    config: Section | None = None,
    **keys: str,
) -> Path:
    """Run a stage as the workflow does, in this process."""
    section = (config or toy_config()).model_dump(mode="json")
    described = json.dumps({"segmentation": section})
    arguments = ["--root", str(root), "--cohort", "toys", "--config", described]
    for name, value in keys.items():
        arguments += ["--key", f"{name}={value}"]
    monkeypatch.setattr("sys.argv", [stage, *arguments])
    if stage == "segment_train":
        run_job(stage, segment_train.segment_train)
    elif stage == "segment_quality":
        run_job(stage, segment_quality.segment_quality)
    else:
        run_case(stage, segment.segment, needs=("import",))
    return Path(Layout(str(root), "toys").at(stage, **keys))


def test_training_and_segmentation_of_a_fold(
    cohort: Path, opened: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = run("segment_train", cohort, monkeypatch, fold="1")
    assert opened() == {"T0", "T1"}
    model = read_json(trained / "model.json")
    assert model["trained_on"] == ["T0", "T1"]
    history = (trained / "history.tsv").read_text().splitlines()
    assert history[0].split("\t") == ["epoch", "loss", "learning_rate"]
    assert len(history) == 1 + toy_config().training.epochs
    assert read_metrics(trained).series["loss"][-1][0] == toy_config().training.epochs

    opened().clear()
    judged = run("segment_quality", cohort, monkeypatch, fold="1")
    assert opened() == {"T0", "T1"}
    quality = read_json(judged / "quality.json")
    assert quality["fitted_on"] == "training subjects"
    assert quality["lines"]["pelvis"]["points"] == len(quality["points"]["pelvis"]) == 2 * 3
    assert (judged / "qc.png").read_bytes()[:4] == b"\x89PNG"

    opened().clear()
    out = run("segment", cohort, monkeypatch, subject="T4")
    assert opened() == {"T4"}
    assert read_record(out).ok
    labels, variance = read_volume(out / "labels.nii.gz"), read_volume(out / "uncertainty.nii.gz")
    truth = toy("T4", 4).labels
    assert labels.unit == "label"
    assert variance.unit == "variance"
    assert variance.array.dtype == np.float32
    assert (labels.array == truth.array).mean() > 0.97
    np.testing.assert_allclose(labels.world_from_index, truth.world_from_index)
    described = read_json(out / "segmentation.json")
    assert described["source"] == "fold 1"
    assert set(described["structures"]) == {"pelvis", "femur_r", "femur_l"}
    measured = {"volume_ml", "variance", "predicted_dice", "dice_error"}
    assert set(described["structures"]["pelvis"]) == measured
    assert (out / "qc.png").read_bytes()[:4] == b"\x89PNG"


def test_a_trained_network_serves_subjects_of_any_cohort(
    cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder that `trained` names is enough: neither folds nor training are looked at."""
    trained = tmp_path / "trained"
    trained.mkdir()
    given = toy_config().model_copy(update={"trained": str(trained)})
    with pytest.raises(SystemExit):
        run("segment", cohort, monkeypatch, given, subject="T3")
    layout = Layout(str(cohort), "toys")
    for stage in ("segment_train", "segment_quality"):
        for path in Path(layout.at(stage, fold="1")).glob("*.*"):
            (trained / path.name).write_bytes(path.read_bytes())
    with pytest.raises(SystemExit):  # it was trained on T0
        run("segment", cohort, monkeypatch, given, subject="T0")
    out = run("segment", cohort, monkeypatch, given, subject="T3")
    assert read_json(out / "segmentation.json")["source"] == str(trained)
    labels = read_volume(out / "labels.nii.gz").array
    assert (labels == toy("T3", 3).labels.array).mean() > 0.97


def test_the_user_s_own_masks_take_the_network_s_place(
    cohort: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program's values, its table, no network; and the uncertainty is not made up."""
    annotated = toy("T2", 2)
    values = np.array([7, 90, 89, 88], dtype=np.uint8)
    folder = Path(Layout(str(cohort), "toys").at("import", subject="T2"))
    masks = annotated.labels.like(values[annotated.labels.array], "label")
    write_volume(folder / "bone_labels.nii.gz", masks)
    config = toy_config().model_copy(update={"mask_table": "totalsegmentator-v1"})
    out = run("segment", cohort, monkeypatch, config, subject="T2")
    assert read_record(out).ok
    assert (read_volume(out / "labels.nii.gz").array == annotated.labels.array).all()
    assert not (out / "uncertainty.nii.gz").exists()
    described = read_json(out / "segmentation.json")
    assert described["source"] == "bone_labels"
    assert set(described["structures"]["femur_l"]) == {"volume_ml"}
    assert (out / "qc.png").read_bytes()[:4] == b"\x89PNG"
    (folder / "bone_labels.nii.gz").unlink()


def test_the_state_is_kept_apart_from_the_output(cohort: Path) -> None:
    one, other = job(cohort, "segment_train", fold="0"), job(cohort, "segment_train", fold="1")
    assert one.state("a") != other.state("a")
    assert one.state("a") != one.state("b")
    assert one.out not in one.state("a").parents


def test_only_usable_annotated_subjects_of_other_folds_train(cohort: Path, tmp_path: Path) -> None:
    assert segment_train.annotated_subjects(job(cohort, "segment_train", fold="0"), 0) == [
        "T2",
        "T3",
    ]
    refusal = Refusal("T2", "import", "E_HU_SCALE", "look")
    folder = job(cohort, "segment_train").at("import", subject="T2")
    write_record(folder, Record("import", "T2", refusal))
    assert segment_train.annotated_subjects(job(cohort, "segment_train", fold="0"), 0) == ["T3"]
    write_record(folder, Record("import", "T2"))
    (folder / "labels.nii.gz").rename(tmp_path / "two")
    folder = job(cohort, "segment_train").at("import", subject="T3")
    (folder / "labels.nii.gz").rename(tmp_path / "three")
    with pytest.raises(UsageError, match="outside fold 0"):
        segment_train.annotated_subjects(job(cohort, "segment_train", fold="0"), 0)


def test_a_subject_without_a_fold_is_a_mistake_of_the_user(cohort: Path) -> None:
    with pytest.raises(UsageError, match="T9 has no fold"):
        segment.fold_of(job(cohort, "segment", subject="T9"), "T9")
