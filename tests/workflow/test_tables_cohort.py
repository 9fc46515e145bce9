"""A cohort of tables: what it leaves names no patient, and a replaced file is noticed."""

from __future__ import annotations

import gzip

import pytest

from tests.bad_input.cohorts import CANARY, write_cohort
from tests.imaging.series import reload
from tests.workflow.conftest import copy_of_repository

pytestmark = pytest.mark.workflow
SUBJECTS = ("A1", "A2")
TARGETS = [f"results/mine/{stage}/{subject}" for subject in SUBJECTS for stage in ("calibrate",)]


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """A checkout that has imported and calibrated the cohort; the raw files lie elsewhere."""
    raw = write_cohort(tmp_path_factory.mktemp("raw"), SUBJECTS)
    (raw / "A2" / "ap.dcm").write_bytes((raw / "A2" / "ap.dcm").read_bytes()[:-50])
    checkout = copy_of_repository(tmp_path_factory.mktemp("mine"))
    config = checkout.root / "mine.yaml"
    config.write_text(f"cohort: {{name: mine, kind: tables, tables: {raw}}}\n")
    done = checkout.snakemake("--configfile", "mine.yaml", "--", *TARGETS)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    assert CANARY not in done.stdout + done.stderr
    return checkout, raw


def test_no_file_of_a_run_names_a_patient(imported):
    checkout, _ = imported
    looked_at = 0
    for path in checkout.root.rglob("*"):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            if path.suffix == ".gz":
                content = gzip.decompress(content)
            assert CANARY.encode() not in content, path
            assert CANARY not in path.name
            looked_at += path.is_relative_to(checkout.root / ".snakemake")
    assert looked_at > 0
    assert (checkout.root / "results/mine/import/A1/ct.nii.gz").is_file()


def test_a_file_replaced_in_place_reruns_its_subject_alone(imported):
    checkout, raw = imported
    assert checkout.to_run("--", *TARGETS, configfile="mine.yaml") == {}
    path = sorted((raw / "A1" / "ct").iterdir())[5]
    data = reload(path)
    data.KVP = 100
    before = (raw / "A1" / "ct").stat().st_mtime_ns
    with path.open("r+b") as stream:
        data.save_as(stream)
    assert (raw / "A1" / "ct").stat().st_mtime_ns == before
    listed = checkout.to_run("--", *TARGETS, configfile="mine.yaml")
    assert listed == {"import_subject": 1, "calibrate": 1}
