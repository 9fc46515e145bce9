"""The whole workflow on a small virtual cohort leaves what the documentation promises."""

from __future__ import annotations

import json
import sqlite3

import pandas as pd
import pytest

pytestmark = pytest.mark.workflow


@pytest.fixture(scope="module")
def results(finished):
    return finished.root / "results" / "test"


@pytest.fixture(scope="module")
def summary(results):
    return json.loads((results / "summary.json").read_text())


EXPERIMENTS = {"conventional", "decomposition", "decomposition-regression"}


def test_the_summary_holds_every_experiment_and_target(summary):
    experiments = summary["studies"]["hip_bmd"]["experiments"]
    assert set(experiments) == EXPERIMENTS
    for experiment in experiments.values():
        assert set(experiment["targets"]) == {"dxa", "qct"}
        for target in experiment["targets"].values():
            for metric in ("pcc", "icc_a1", "mae", "see"):
                value = target["metrics"][metric]
                assert value["ci_low"] <= value["value"] <= value["ci_high"], metric
                assert value["n"] > 0
            assert "pcc" in target["true_projection"]
    assert summary["virtual"] is True


def test_a_run_that_has_come_to_its_end_keeps_no_state_of_a_training(results):
    assert not list((results / "state").glob("*/*"))


def test_every_prediction_is_held_out_and_none_is_missing(results):
    folds = pd.read_csv(results / "folds" / "folds.tsv", sep="\t").set_index("subject")["fold"]
    index = pd.read_csv(results / "pairs" / "index.tsv", sep="\t")
    expected = set(index.loc[index["target"] == 1, "case"])
    for experiment in EXPERIMENTS:
        tables = [
            pd.read_csv(path, sep="\t")
            for path in sorted((results / "predict" / experiment).glob("fold*/predictions.tsv"))
        ]
        rows = pd.concat(tables)
        assert (rows["fold"] == rows["subject"].map(folds)).all()
        for target in ("dxa", "qct"):
            cases = rows.loc[rows["target"] == target, "case"]
            assert cases.is_unique
            assert set(cases) == expected


def test_the_report_has_a_page_for_every_subject(results):
    pages = {path.stem for path in (results / "report" / "subjects").glob("*.html")}
    subjects = {path.name for path in (results / "import").iterdir() if path.is_dir()}
    assert pages == subjects
    page = (results / "report" / "index.html").read_text()
    assert "no clinical evidence" in page
    assert all(subject in page for subject in subjects)


def test_the_store_has_a_parent_per_experiment_with_children(finished):
    with sqlite3.connect(finished.root / "results" / "mlflow.db") as store:
        names = dict(store.execute("select run_uuid, name from runs"))
        parents = dict(
            store.execute("select run_uuid, value from tags where key = 'mlflow.parentRunId'")
        )
        metrics = {run for (run,) in store.execute("select distinct run_uuid from metrics")}
    tops = {name for run, name in names.items() if run not in parents}
    assert tops >= EXPERIMENTS
    for experiment in EXPERIMENTS:
        top = next(r for r, name in names.items() if name == experiment and r not in parents)
        assert top in metrics
        assert any(parent == top for parent in parents.values())


def test_every_job_left_a_log_and_a_benchmark(results):
    logs = {p.relative_to(results / "logs").with_suffix("") for p in results.glob("logs/**/*.log")}
    times = {
        p.relative_to(results / "benchmarks").with_suffix("")
        for p in results.glob("benchmarks/**/*.tsv")
    }
    assert logs == times
    assert len(logs) > 40


def test_the_slurm_profile_works_as_typed(finished):
    link = finished.root / "slurm-gpu"
    link.unlink(missing_ok=True)
    link.symlink_to("config/profiles/slurm-gpu")
    done = finished.as_typed("--profile", "slurm-gpu", "-n", "--configfile", "config/test.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
