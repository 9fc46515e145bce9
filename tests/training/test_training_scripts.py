"""The scripts from imported and projected subjects to predictions, on a made-up cohort on disk."""

import json

import numpy as np
import pandas as pd
import pytest
from safetensors import safe_open

from bmdpipe.core.atomic import read_json, write_json
from bmdpipe.core.config.study import Decomposer, Experiment
from bmdpipe.core.errors import UsageError
from bmdpipe.core.files import (
    FOLDS,
    INDEX,
    PREDICTED_PROJECTIONS,
    PREDICTIONS,
    PROJECTION_FIT,
)
from bmdpipe.core.image import Image
from bmdpipe.core.layout import Layout
from bmdpipe.core.records import Record, Refusal, write_record
from bmdpipe.geometry.camera import Camera
from bmdpipe.imaging.nifti import write_image
from bmdpipe.pairs import store
from bmdpipe.pairs.folds import read_folds
from workflow_scripts.folds import folds
from workflow_scripts.job import Job
from workflow_scripts.pairs import pairs
from workflow_scripts.predict import predict
from workflow_scripts.train_conventional import train_conventional
from workflow_scripts.train_stage_one import train_stage_one
from workflow_scripts.train_stage_three import train_stage_three
from workflow_scripts.train_stage_two import train_stage_two

BONES_ONLY = "S6"
SUBJECTS = [f"S{i}" for i in range(7)]
DATASET_B = [s for s in SUBJECTS if s != BONES_ONLY]
QUARANTINED, UNREGISTERED = "S4", "standing"
DECOMPOSER = Decomposer(backbone="resnet_tiny", stage_one_epochs=1, stage_two_epochs=1)


@pytest.fixture
def cohort(tmp_path, config, pairs_config):
    """Seven subjects of two radiographs; one is quarantined, one lost a pose, one has no DXA, and
    one is of dataset A: for stage one alone."""
    layout = Layout(str(tmp_path), "c")
    rng = np.random.default_rng(0)
    camera = Camera.centred(1200.0, (8.0, 8.0), (40, 36))
    small = camera.resized((20, 18))
    for number, subject in enumerate(SUBJECTS):
        at = {s: tmp_path / "c" / s / subject for s in ("import", "register", "project", "roi")}
        refusal = Refusal(subject, "import", "E_FOV", "cut")
        refused = refusal if subject == QUARANTINED else None
        for stage, folder in at.items():
            write_record(folder, Record(stage, subject, refused))
        if refused:
            continue
        write_json(
            at["import"] / "subject.json",
            {
                "side": "RL"[number % 2],
                "dxa_abmd_g_cm2": None if number >= 5 else 0.6 + number / 10,
                "dataset": "A" if subject == BONES_ONLY else "B",
            },
        )
        vbmd = {"vbmd_mg_cm3": 200.0 + 20 * number}
        write_json(at["roi"] / "roi.json", {"R": vbmd, "L": vbmd})
        poses = {}
        for name in ("standing", "supine"):
            ok = not (subject == "S0" and name == UNREGISTERED)
            body = {"ok": ok}
            poses[name] = {
                "camera": camera.to_json(),
                "bodies": {"pelvis": body, "femur_r": body, "femur_l": body},
            }
            write_image(
                at["import"] / "radiographs" / f"{name}.nii.gz",
                Image(rng.random((36, 40)).astype(np.float32), camera.spacing_mm, "attenuation"),
                {"positioning": name},
            )
            for kind in ("bones", "pf") if ok else ():
                array = (400 + 100 * number) * rng.random((18, 20)).astype(np.float32)
                write_image(
                    at["project"] / f"{name}_{kind}.nii.gz",
                    Image(array, small.spacing_mm, "mg/cm2"),
                    {"camera": small.to_json()},
                )
        write_json(at["register"] / "poses.json", poses)
    sections = {
        "folds": {"n_folds": 2},
        "device": "cpu",
        "pairs": pairs_config.model_dump(mode="json"),
        "training": config.model_dump(mode="json"),
    }

    def job(stage, more=None, **keys):
        return Job(
            stage=stage,
            layout=layout,
            keys={k: str(v) for k, v in keys.items()},
            config={**sections, **(more or {})},
            row={"subjects": SUBJECTS},
            threads=1,
            code="",
        )

    return job


def _run(script, job):
    job.out.mkdir(parents=True)
    return script(job, job.out)


@pytest.fixture
def ready(cohort):
    """With folds and pairs."""
    _run(folds, cohort("folds"))
    _run(pairs, cohort("pairs"))
    return cohort


def _held_out(job):
    dealt = read_folds(job.at("folds") / FOLDS)
    return {s for s, fold in dealt.items() if fold == int(job.keys["fold"])}


def test_quarantined_subjects_and_lost_poses_are_left_out(ready):
    job = ready("pairs")
    assert set(read_folds(job.at("folds") / FOLDS)) == set(DATASET_B) - {QUARANTINED}
    assert set(read_folds(job.at("folds") / FOLDS, "A")) == {BONES_ONLY}
    index = pd.read_csv(job.out / INDEX, sep="\t")
    assert set(index["subject"]) == set(SUBJECTS) - {QUARANTINED}
    assert set(index.loc[index["subject"] == "S0", "radiograph"]) == {"supine"}
    targets = index.groupby(["subject", "radiograph"])["target"].sum()
    assert (targets.drop(BONES_ONLY) == 1).all()
    assert (targets[BONES_ONLY] == 0).all()
    assert (job.out / "augmentation.png").is_file()


def test_a_users_folds_are_used_or_refused(cohort, tmp_path):
    usable = [s for s in DATASET_B if s != QUARANTINED]
    given = tmp_path / "mine.tsv"
    given.write_text("subject\tfold\n" + "".join(f"{s}\t{i % 2}\n" for i, s in enumerate(usable)))
    job = cohort("folds", {"folds": {"n_folds": 2, "file": str(given)}})
    _run(folds, job)
    assert read_folds(job.out / FOLDS) == {s: i % 2 for i, s in enumerate(usable)}
    given.write_text("subject\tfold\n" + "".join(f"{s}\t0\n" for s in usable))
    with pytest.raises(UsageError, match="fold 1 has 0"):
        folds(job, job.out)


def test_from_pairs_to_predictions_without_a_look_at_the_test_fold(ready, monkeypatch):
    opened = set()
    real = store._open_subject
    monkeypatch.setattr(store, "_open_subject", lambda p: (opened.add(p.stem), real(p))[1])
    regression = Experiment(method="regression", decomposer="main")
    conventional = Experiment(method="conventional")
    decomposition = Experiment(method="decomposition", decomposer="main")
    dec = {"decomposer": DECOMPOSER.model_dump(mode="json")}

    def exp(experiment):
        return {"experiment": experiment.model_dump(mode="json"), "targets": ["dxa", "qct"]}

    trainings = [
        (train_stage_one, ready("train_stage_one", dec, decomposer="main", fold=0)),
        (train_stage_two, ready("train_stage_two", dec, decomposer="main", fold=0)),
    ]
    for target in ("dxa", "qct"):
        keys = {"target": target, "fold": 0}
        trainings += [
            (
                train_stage_three,
                ready("train_stage_three", {**dec, **exp(regression)}, experiment="r", **keys),
            ),
            (
                train_conventional,
                ready("train_conventional", exp(conventional), experiment="c", **keys),
            ),
        ]
    held_out = _held_out(trainings[0][1])
    everybody = set(SUBJECTS) - {QUARANTINED}
    for script, job in trainings:
        outcome = _run(script, job)
        assert outcome.metrics.values
        assert (job.out / "history.tsv").is_file()
        trained_on = set(read_json(job.out / "model.json")["subjects"])
        left_out = held_out if script is train_stage_one else held_out | {BONES_ONLY}
        assert trained_on == everybody - left_out
    assert opened
    assert not opened & held_out

    for name, experiment in (("r", regression), ("c", conventional), ("d", decomposition)):
        job = ready("predict", exp(experiment), experiment=name, fold=0)
        _run(predict, job)
        table = pd.read_csv(job.out / PREDICTIONS, sep="\t")
        assert set(table["subject"]) == held_out
        assert set(table.loc[table["target"] == "dxa", "subject"]) == held_out - {"S5"}
        assert np.isfinite(table[["bmd_true", "bmd_pred", "bmd_projection"]]).all(axis=None)
        assert set(read_json(job.out / PROJECTION_FIT)) == {"dxa", "qct"}
        assert (job.out / PREDICTED_PROJECTIONS).is_file() == (name == "d")
    with safe_open(job.out / PREDICTED_PROJECTIONS, "np") as stored:
        cases = json.loads(stored.metadata()["cases"])
        assert cases == list(table.loc[table["target"] == "qct", "case"])
        assert stored.get_tensor("pf_pred").shape == (len(cases), 32, 16)


def test_a_training_is_the_same_without_the_test_folds_files(ready):
    """The held-out subjects' images are deleted: nothing changes, so nothing of them was used."""
    dec = {"decomposer": DECOMPOSER.model_dump(mode="json")}
    job = ready("train_stage_one", dec, decomposer="main", fold=1)
    _run(train_stage_one, job)
    before = (job.out / "weights.safetensors").read_bytes()
    for subject in _held_out(job):
        (job.at("pairs") / f"{subject}.safetensors").unlink()
    train_stage_one(job, job.out)
    assert (job.out / "weights.safetensors").read_bytes() == before
