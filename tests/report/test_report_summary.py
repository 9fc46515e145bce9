from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bmdpipe.core.atomic import read_json, write_json
from bmdpipe.report.provenance import run_manifest, seeds
from bmdpipe.report.summary import summarise


@pytest.fixture
def summary(tree: Any, manifest: dict[str, Any]) -> dict[str, Any]:
    return summarise(tree.run, manifest)


def test_metrics_stand_as_the_evaluation_wrote_them(tree: Any, summary: dict[str, Any]) -> None:
    for name in tree.run.study.experiments:
        written = read_json(tree.run.at("evaluate", experiment=name) / "evaluation.json")
        told = summary["studies"]["hip_bmd"]["experiments"][name]
        for target, result in written["targets"].items():
            assert told["targets"][target] == result
        assert told["method"] == tree.run.study.experiments[name].method


def test_subjects_are_counted_over_those_that_are_used(summary: dict[str, Any]) -> None:
    subjects = summary["subjects"]
    assert (subjects["n"], subjects["used"], subjects["female"]) == (4, 3, 2)
    assert subjects["side"] == {"L": 0, "R": 3}
    ages = [50.0, 60.0, 70.0]
    assert subjects["age_years"] == {
        "n": 3,
        "mean": 60.0,
        "sd": statistics.stdev(ages),
        "min": 50.0,
        "max": 70.0,
    }
    assert subjects["vbmd_mg_cm3"]["mean"] == 250.0


def test_a_missing_value_is_left_out_of_the_distribution(
    tree: Any, manifest: dict[str, Any]
) -> None:
    path = tree.run.at("import", subject="S1") / "subject.json"
    write_json(path, {**read_json(path), "dxa_abmd_g_cm2": None, "sex": None})
    subjects = summarise(tree.run, manifest)["subjects"]
    assert subjects["dxa_abmd_g_cm2"]["n"] == 2
    assert (subjects["female"], subjects["sex_known"]) == (1, 2)


def test_a_refusal_that_later_stages_repeat_is_told_once(summary: dict[str, Any]) -> None:
    found = [(row["case"], row["stage"], row["code"]) for row in summary["quarantined"]]
    assert found == [
        ("S3/standing", "register", "E_REGISTRATION"),
        ("S4", "calibrate", "E_NO_PHANTOM"),
    ]
    assert summary["quarantined"][1]["meaning"] == "the calibration phantom was not found"


def test_the_virtual_truth_is_only_told_of_virtual_cohorts(
    tree: Any, summary: dict[str, Any], manifest: dict[str, Any]
) -> None:
    assert summary["virtual"] is True
    assert summary["stages"]["stages"]["calibrate"]["summary"]["slope"]["median"] == 1.5
    clinical = type(tree.run)(**{**vars(tree.run), "virtual": False})
    told = summarise(clinical, manifest)
    assert told["virtual"] is False
    assert told["stages"] is None


def test_seeds_that_are_set_are_found_at_any_depth() -> None:
    config = {"folds": {"seed": 3, "n_folds": 2}, "a": {"b": {"seed": 7}}, "c": {"seed": None}}
    assert seeds(config) == {"folds.seed": 3, "a.b.seed": 7}


def test_the_config_hash_knows_the_config_and_not_its_order(tmp_path: Path) -> None:
    one = run_manifest({"a": 1, "b": 2}, tmp_path)
    assert one["config_hash"] == run_manifest({"b": 2, "a": 1}, tmp_path)["config_hash"]
    assert one["config_hash"] != run_manifest({"a": 1, "b": 3}, tmp_path)["config_hash"]
    assert one["versions"]["bmdpipe"]


def test_the_script_writes_the_file_of_the_layout(tree: Any) -> None:
    layout = tree.run.layout
    command = [sys.executable, "-m", "workflow_scripts.summarise"]
    command += ["--root", layout.root, "--cohort", layout.cohort]
    command += ["--config", json.dumps(tree.config)]
    command += ["--row", json.dumps({"subjects": tree.run.subjects})]
    subprocess.run(command, check=True, capture_output=True)
    told = read_json(Path(layout.summary))
    assert told["cohort"] == "demo"
    assert told["subjects"]["used"] == 3
