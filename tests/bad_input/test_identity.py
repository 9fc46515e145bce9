"""No patient's name leaves the raw files: not into the check, not into a copy made for others."""

from __future__ import annotations

import json
import sys

import pydicom
import pytest

from bmdpipe.cli.main import main
from bmdpipe.core.config.imaging import ImagingConfig
from bmdpipe.imaging.ct import read_ct
from bmdpipe.imaging.radiograph import read_radiograph
from tests.bad_input.cohorts import CANARY, write_cohort


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return write_cohort(tmp_path_factory.mktemp("cohort"))


def run(monkeypatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["bmdpipe", *arguments])
    with pytest.raises(SystemExit) as left:
        main()
    return int(left.value.code or 0)


def test_a_de_identified_copy_reads_the_same_and_names_nobody(cohort, tmp_path, monkeypatch):
    target = tmp_path / "copy"
    assert run(monkeypatch, "deidentify", str(cohort), str(target)) == 0
    for path in target.rglob("*"):
        if path.is_file():
            assert CANARY.encode() not in path.read_bytes(), path
    record = json.loads((target / "deidentification.json").read_text())
    assert record["profile"] == "bmdpipe allowlist 1"
    config = ImagingConfig()
    for subject in ("A1", "A2"):
        before = read_ct(cohort / subject / "ct", subject, config)
        after = read_ct(target / subject / "ct", subject, config)
        assert (after.digest, after.warnings) == (before.digest, before.warnings)
        pictures = [cohort / subject / "ap.dcm", target / subject / "radiographs/ap/00000.dcm"]
        one, two = (read_radiograph(path, subject, config, "R") for path in pictures)
        assert (one.digest, one.image.spacing_mm, one.sdd_mm, one.warnings) == (
            two.digest,
            two.image.spacing_mm,
            two.sdd_mm,
            two.warnings,
        )


def test_a_copy_s_identifiers_are_new_and_hold_the_series_together(cohort, tmp_path, monkeypatch):
    target = tmp_path / "copy"
    assert run(monkeypatch, "deidentify", str(cohort), str(target)) == 0
    copies = [pydicom.dcmread(path) for path in sorted((target / "A1" / "ct").iterdir())]
    originals = [pydicom.dcmread(path) for path in (cohort / "A1" / "ct").iterdir()]
    assert len({d.SeriesInstanceUID for d in copies}) == 1
    assert len({d.SOPInstanceUID for d in copies}) == len(originals)
    old = {d.SeriesInstanceUID for d in originals} | {d.SOPInstanceUID for d in originals}
    assert not old & {d.SOPInstanceUID for d in copies}
    assert not old & {d.SeriesInstanceUID for d in copies}
    assert {str(d.PatientID) for d in copies} == {"A1"}
    assert {d.PatientIdentityRemoved for d in copies} == {"YES"}


def test_a_full_folder_is_not_written_into(cohort, tmp_path, monkeypatch, capsys):
    (tmp_path / "old.txt").write_text("")
    assert run(monkeypatch, "deidentify", str(cohort), str(tmp_path)) == 2
    assert "is not empty" in capsys.readouterr().err


def test_check_lists_every_fault_and_names_nobody(tmp_path, monkeypatch, capsys):
    """One subject without a slice, one with another's picture; all lack the phantom."""
    broken = write_cohort(tmp_path / "cohort")
    slices = sorted(
        (broken / "A2" / "ct").iterdir(), key=lambda p: pydicom.dcmread(p).ImagePositionPatient[2]
    )
    slices[9].unlink()
    (broken / "A3" / "ap.dcm").write_bytes((broken / "A1" / "ap.dcm").read_bytes())
    (broken / "A4" / "ap.dcm").write_bytes(b"<html>")
    config = tmp_path / "config.yaml"
    config.write_text(f"cohort: {{name: mine, kind: tables, tables: {broken}}}\n")
    assert run(monkeypatch, "check", str(config)) == 2
    told = capsys.readouterr().out
    assert CANARY not in told
    found = {tuple(line.split()[:2]) for line in told.splitlines()[1:]}
    assert found == {
        ("A1", "E_NO_PHANTOM"),
        ("A2", "E_MISSING_SLICE"),
        ("A3", "E_NO_PHANTOM"),
        ("A3/ap", "E_LEAK"),
        ("A4", "E_NO_PHANTOM"),
        ("A4/ap", "E_NOT_DICOM"),
    }
