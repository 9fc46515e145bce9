"""A fault of the user's is one readable line and exit code 2, before anything runs."""

from __future__ import annotations

import pytest

from tests.workflow.conftest import copy_of_repository

pytestmark = pytest.mark.workflow

SUBJECTS = "subject\tsex\tage_years\tbmi\tside\tct\tct_phantom\tdxa_abmd_g_cm2\tdxa_device\n"
RADIOGRAPHS = "subject\tradiograph\tpositioning\tpath\n"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    return copy_of_repository(tmp_path_factory.mktemp("faults"))


def refusal(checkout, config: str) -> str:
    path = checkout.root / "mine.yaml"
    path.write_text(config)
    done = checkout.snakemake("-n", "--configfile", str(path))
    assert done.returncode == 2, done.stdout + done.stderr
    told = (done.stdout + done.stderr).strip()
    assert "Traceback" not in told
    lines = [line for line in told.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, told
    return lines[0]


def test_a_bad_config(checkout):
    told = refusal(checkout, "cohort: {name: mine, kind: virtual}\nvirtual: {n_subject: 3}\n")
    assert "virtual.n_subject" in told
    assert "n_subjects" in told


@pytest.fixture
def tables(checkout):
    folder = checkout.root / "tables"
    folder.mkdir(exist_ok=True)
    (folder / "ct").mkdir(exist_ok=True)
    (folder / "x.dcm").write_bytes(b"")
    row = "A1\tF\t60\t22\tR\tct\tB-MAS200\t0.8\tHologic\n"
    (folder / "subjects.tsv").write_text(SUBJECTS + row)
    (folder / "radiographs.tsv").write_text(RADIOGRAPHS + "A1\tap\tstanding\tx.dcm\n")
    return folder


def config_of(folder):
    return f"cohort: {{name: mine, kind: tables, tables: {folder}}}\n"


def test_a_bad_table(checkout, tables):
    rows = (tables / "subjects.tsv").read_text().replace("0.8", "800")
    (tables / "subjects.tsv").write_text(rows)
    told = refusal(checkout, config_of(tables))
    assert "subjects.tsv" in told
    assert "dxa_abmd_g_cm2" in told


def test_a_missing_table(checkout, tables):
    (tables / "radiographs.tsv").unlink()
    assert "radiographs.tsv" in refusal(checkout, config_of(tables))


def test_a_missing_image(checkout, tables):
    (tables / "x.dcm").unlink()
    assert "x.dcm" in refusal(checkout, config_of(tables))


def test_a_ct_alone_is_planned_without_training(checkout, tables):
    """Every stage up to the known pose, a report, and no model."""
    (tables / "radiographs.tsv").unlink(missing_ok=True)
    path = checkout.root / "ct_only.yaml"
    cohort = config_of(tables).replace("kind: tables", "kind: tables, ct_only: true")
    path.write_text(cohort + "hip_bmd: {experiments: {}}\n")
    done = checkout.snakemake("-n", "--configfile", str(path))
    told = done.stdout + done.stderr
    for rule in ("segment", "expose", "register", "recover", "report"):
        assert f"rule {rule}:" in told, rule
    assert "train" not in told


def test_a_ct_alone_with_experiments_is_refused(checkout, tables):
    cohort = config_of(tables).replace("kind: tables", "kind: tables, ct_only: true")
    assert "experiments" in refusal(checkout, cohort)
