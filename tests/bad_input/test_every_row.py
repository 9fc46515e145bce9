"""Every row of the table of bad inputs has a test; those that need no image are here."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from bmdpipe.core.errors import UsageError
from bmdpipe.pairs.folds import check_folds, deal_folds, read_folds
from tests.bad_input.ct_faults import CT_FAULTS
from tests.bad_input.radiograph_faults import RADIOGRAPH_FAULTS
from workflow_scripts.folds import check_leaks

TESTS = Path(__file__).resolve().parents[1]
ROWS = range(1, 35)
ELSEWHERE = {
    9: "imaging/test_ct.py::test_six_orientations_give_the_same_array",
    12: "imaging/test_ct.py::test_padding_becomes_air",
    15: "densitometry/test_calibration.py",
    16: "densitometry/test_femur.py",
    17: "densitometry/test_femur.py",
    28: "core/test_cohort.py::test_a_bad_cell_is_named",
    29: "bad_input/test_every_row.py::test_one_image_under_two_subjects_is_refused",
    30: "bad_input/test_every_row.py::test_folds_too_small_are_refused_with_advice",
    31: "registration/test_script.py",
    32: "training/test_stages.py::test_nan_names_the_batch",
    33: "core/test_cohort.py::test_a_loop_of_links_is_a_missing_file",
    34: "core/test_checkpoints.py::test_any_changed_bit_is_refused",
}
"""Rows whose fault shows in a later stage or in a table, and the test that holds them."""


@pytest.mark.parametrize("row", ROWS)
def test_the_row_has_a_test(row):
    if row in {fault[0] for fault in (*CT_FAULTS, *RADIOGRAPH_FAULTS)}:
        return
    file, _, name = ELSEWHERE[row].partition("::")
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert (name in functions) if name else any(f.startswith("test_") for f in functions)


def imported(folder: Path, digests: dict[str, str]) -> Path:
    for name, digest in digests.items():
        path = folder / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"digest": digest}))
    return folder


@pytest.mark.parametrize("shared", ["ct", "radiographs/standing"])
def test_one_image_under_two_subjects_is_refused(tmp_path, shared):
    own = {"ct": "1", "radiographs/standing": "2"}
    other = {"ct": "3", "radiographs/standing": "4"} | {shared: own[shared]}
    seen: dict[str, str] = {}
    check_leaks("A1", imported(tmp_path / "A1", own), seen)
    with pytest.raises(UsageError, match="E_LEAK: A1 and A2"):
        check_leaks("A2", imported(tmp_path / "A2", other), seen)


def test_a_subject_in_two_folds_is_refused(tmp_path):
    (tmp_path / "folds.tsv").write_text("subject\tfold\nA1\t0\nA2\t0\nA1\t1\n")
    with pytest.raises(UsageError, match="more than once, which would leak"):
        read_folds(tmp_path / "folds.tsv")


def test_folds_too_small_are_refused_with_advice():
    with pytest.raises(UsageError, match=r"lower folds\.n_folds to 1"):
        deal_folds({"A1": 0.7, "A2": 0.8, "A3": 0.9}, n_folds=2, seed=0)
    with pytest.raises(UsageError, match="move subjects into it"):
        check_folds({"A1": 0, "A2": 0, "A3": 1}, ["A1", "A2", "A3"], 2, "folds.tsv")
