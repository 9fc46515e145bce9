"""The scripts from imported and projected subjects to predictions, on a made-up cohort on disk."""

import hashlib
import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors import safe_open

from bmdpipe.core.atomic import read_json
from bmdpipe.core.config.study import Experiment
from bmdpipe.core.errors import UsageError
from bmdpipe.core.files import (
    FOLDS,
    INDEX,
    PREDICTED_PROJECTIONS,
    PREDICTIONS,
    PROJECTION_FIT,
    WEIGHTS,
)
from bmdpipe.core.training_state import drop_ended
from bmdpipe.pairs import store
from bmdpipe.pairs.folds import read_folds
from tests.training.made_up_cohort import (
    BONES_ONLY,
    DATASET_B,
    DECOMPOSER,
    QUARANTINED,
    SUBJECTS,
    run,
)
from workflow_scripts.folds import folds
from workflow_scripts.predict import predict
from workflow_scripts.train_conventional import train_conventional
from workflow_scripts.train_stage_one import train_stage_one
from workflow_scripts.train_stage_three import train_stage_three
from workflow_scripts.train_stage_two import train_stage_two


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
    run(folds, job)
    assert read_folds(job.out / FOLDS) == {s: i % 2 for i, s in enumerate(usable)}
    given.write_text("subject\tfold\n" + "".join(f"{s}\t0\n" for s in usable))
    with pytest.raises(UsageError, match="fold 1 has 0"):
        folds(job, job.out)


def test_from_pairs_to_predictions_without_a_look_at_the_test_fold(ready, monkeypatch):
    opened = set()
    real = store._open_subject
    monkeypatch.setattr(store, "_open_subject", lambda p: (opened.add(p.stem), real(p))[1])
    regression = Experiment(method="regression", decomposer="main")
    reading = Experiment(
        method="regression", decomposer="main", encoder="frozen", head="projection"
    )
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
                train_stage_three,
                ready("train_stage_three", {**dec, **exp(reading)}, experiment="p", **keys),
            ),
            (
                train_conventional,
                ready("train_conventional", exp(conventional), experiment="c", **keys),
            ),
        ]
    held_out = _held_out(trainings[0][1])
    everybody = set(SUBJECTS) - {QUARANTINED}
    for script, job in trainings:
        outcome = run(script, job)
        assert outcome.metrics.values
        assert (job.out / "history.tsv").is_file()
        trained_on = set(read_json(job.out / "model.json")["subjects"])
        left_out = held_out if script is train_stage_one else held_out | {BONES_ONLY}
        assert trained_on == everybody - left_out
    assert opened
    assert not opened & held_out

    experiments = {"r": regression, "p": reading, "c": conventional, "d": decomposition}
    for name, experiment in experiments.items():
        job = ready("predict", exp(experiment), experiment=name, fold=0)
        run(predict, job)
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


def test_a_training_whose_end_nobody_heard_of_trains_nothing_anew(ready, caplog):
    """Its driver was killed, and a new one starts it again."""
    dec = {"decomposer": DECOMPOSER.model_dump(mode="json")}
    job = ready("train_stage_one", dec, decomposer="main", fold=0)
    run(train_stage_one, job)
    first = (job.out / WEIGHTS).read_bytes()
    shutil.rmtree(job.out)
    caplog.clear()
    with caplog.at_level("INFO"):
        run(train_stage_one, job)
    assert (job.out / WEIGHTS).read_bytes() == first
    assert "resumes after epoch" in caplog.text
    assert " epoch 1/" not in caplog.text


def test_states_are_dropped_once_their_training_has_ended(ready):
    dec = {"decomposer": DECOMPOSER.model_dump(mode="json")}
    job = ready("train_stage_one", dec, decomposer="main", fold=0)
    run(train_stage_one, job)
    states = Path(job.layout.state)
    half_way = states / "train_stage_two" / "0123"
    half_way.mkdir(parents=True)
    assert len(list(states.glob("*/*"))) == 2
    drop_ended(states)
    assert list(states.glob("*/*")) == [half_way]


class _Opened:
    """What this process opens, for as long as `watching`: an audit hook sees every way of opening
    a file, and cannot be taken away again."""

    def __init__(self):
        self.watching, self.paths = False, set()
        sys.addaudithook(self._see)

    def _see(self, event, arguments):
        if event == "open" and self.watching and isinstance(arguments[0], str | os.PathLike):
            self.paths.add(os.fspath(arguments[0]))


@pytest.fixture(scope="module")
def opened():
    return _Opened()


def _content(paths):
    """SHA-256 of every regular file among the paths that is not empty."""
    files = [Path(p) for p in paths if Path(p).is_file() and Path(p).stat().st_size]
    return {hashlib.sha256(path.read_bytes()).hexdigest(): path for path in files}


def test_no_byte_of_a_test_subject_reaches_a_training_of_its_fold(ready, opened):
    """By content, so that a copy under another name would show as well."""
    dec = {"decomposer": DECOMPOSER.model_dump(mode="json")}
    exp = {"targets": ["qct"]}
    regression = Experiment(method="regression", decomposer="main").model_dump(mode="json")
    conventional = Experiment(method="conventional").model_dump(mode="json")
    keys = {"target": "qct", "fold": 0}
    trainings = [
        (train_stage_one, ready("train_stage_one", dec, decomposer="main", fold=0)),
        (train_stage_two, ready("train_stage_two", dec, decomposer="main", fold=0)),
        (
            train_stage_three,
            ready(
                "train_stage_three",
                {**dec, **exp, "experiment": regression},
                experiment="r",
                **keys,
            ),
        ),
        (
            train_conventional,
            ready(
                "train_conventional", {**exp, "experiment": conventional}, experiment="c", **keys
            ),
        ),
    ]
    held_out = _held_out(trainings[0][1])
    root = Path(trainings[0][1].layout.root)
    of_test = {
        s: _content(p for p in root.rglob("*") if s in p.parts or p.stem == s) for s in held_out
    }
    assert all(len(files) >= 5 for files in of_test.values())
    others = _content(p for p in root.rglob("*") if not held_out & {*p.parts, p.stem})
    for script, job in trainings:
        opened.paths, opened.watching = set(), True
        try:
            run(script, job)
        finally:
            opened.watching = False
        read = _content(opened.paths)
        trained_on = set(read_json(job.out / "model.json")["subjects"])
        assert {f"{s}.safetensors" for s in trained_on} <= {p.name for p in read.values()}
        for subject, files in of_test.items():
            shared = (files.keys() & read.keys()) - others.keys()
            assert not shared, (script.__name__, subject, [str(read[h]) for h in shared])


def test_a_training_is_the_same_without_the_test_folds_files(ready):
    """The held-out subjects' images are deleted: nothing changes, so nothing of them was used."""
    dec = {"decomposer": DECOMPOSER.model_dump(mode="json")}
    job = ready("train_stage_one", dec, decomposer="main", fold=1)
    run(train_stage_one, job)
    before = (job.out / "weights.safetensors").read_bytes()
    for subject in _held_out(job):
        (job.at("pairs") / f"{subject}.safetensors").unlink()
    train_stage_one(job, job.out)
    assert (job.out / "weights.safetensors").read_bytes() == before
