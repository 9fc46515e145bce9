"""No file of a whole run names a patient, though the header of every image did."""

from __future__ import annotations

import pydicom
import pytest

from tests.bad_input.cohorts import CANARY
from tests.workflow.planted import NEEDLES, searched

pytestmark = pytest.mark.workflow


def test_no_file_that_a_run_leaves_names_a_patient(finished):
    raw = finished.root / "results" / "test" / "simulate"
    image = pydicom.dcmread(next(raw.rglob("*.dcm")))
    assert CANARY in str(image.PatientName)
    found = dict(searched(finished.root, raw))
    hits = {str(path.relative_to(finished.root)): needles for path, needles in found.items()}
    assert {path: needles for path, needles in hits.items() if needles} == {}
    tops = {path.split("/")[0] for path in hits}
    assert {"results", ".snakemake"} <= tops
    assert "results/mlflow.db" in hits
    assert any(path.startswith("results/test/logs/") for path in hits)


def test_the_search_finds_what_is_there(finished):
    raw = finished.root / "results" / "test" / "simulate" / "V001"
    found = {needle for _, needles in searched(raw, raw / "truth") for needle in needles}
    assert found == set(NEEDLES)
