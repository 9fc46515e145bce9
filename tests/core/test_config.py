"""Faults of a config are told in one line that names the key; generated files are in step."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from bmdpipe.core.config.cohort import CohortConfig
from bmdpipe.core.config.documents import default_yaml, documents
from bmdpipe.core.config.loading import load_config, parse_config
from bmdpipe.core.config.root import Config
from bmdpipe.core.errors import UsageError

REPOSITORY = Path(__file__).resolve().parents[2]
COHORT = {"cohort": {"name": "x", "kind": "virtual"}}


def fault(raw):
    with pytest.raises(UsageError) as told:
        parse_config(raw, "my.yaml")
    return str(told.value)


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ({"cohort": {"name": "x"}, "virtul": {}}, "'virtul' is not a key; did you mean 'virtual'?"),
        (
            {**COHORT, "virtual": {"n_subject": 3}},
            "'virtual.n_subject' is not a key; did you mean 'n_subjects'?",
        ),
        (
            {**COHORT, "hip_bmd": {"decomposers": {"a": {"bakbone": "resnet"}}}},
            "'hip_bmd.decomposers.a.bakbone' is not a key; did you mean 'backbone'?",
        ),
        ({}, "'cohort' is missing"),
        ({**COHORT, "folds": {"n_folds": -1}}, "'folds.n_folds'"),
    ],
)
def test_a_fault_is_one_line_with_the_nearest_key(raw, told):
    lines = fault(raw).splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("my.yaml: ")
    assert told in lines[0]


def test_every_fault_is_told_at_once():
    assert len(fault({**COHORT, "aaa": 1, "bbb": 2}).splitlines()) == 2


def test_an_experiment_must_name_a_decomposer_that_exists():
    told = fault(
        {
            **COHORT,
            "hip_bmd": {"experiments": {"a": {"method": "decomposition", "decomposer": "none"}}},
        }
    )
    assert "which is not among ['main']" in told


def test_a_missing_and_a_broken_file_are_told(tmp_path):
    with pytest.raises(UsageError, match="no such config file"):
        load_config(tmp_path / "none.yaml")
    broken = tmp_path / "broken.yaml"
    broken.write_text("a: [1,")
    with pytest.raises(UsageError, match="not a YAML file"):
        load_config(broken)


@pytest.mark.parametrize("path", sorted(documents()))
def test_generated_files_are_in_step(path):
    assert (REPOSITORY / path).read_text(encoding="utf-8") == documents()[path], "run `make docs`"


def test_the_default_yaml_says_what_the_models_say():
    written = yaml.safe_load(default_yaml())
    assert parse_config(written) == Config(cohort=CohortConfig())


@pytest.mark.parametrize(
    "path", sorted((REPOSITORY / "config").glob("*.yaml")), ids=lambda path: path.name
)
def test_every_config_of_ours_is_valid(path):
    load_config(path)
