"""The cohort follows from its config, subject by subject."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

from bmdpipe.core.config.virtual.cohort import VirtualConfig
from bmdpipe.virtual.cohort import cohort_tables, subject_name, subject_number
from bmdpipe.virtual.hip.anatomy import build_anatomy
from bmdpipe.virtual.subject import simulate_subject

COLUMNS = {
    "subject", "sex", "age_years", "bmi", "side", "ct", "ct_phantom", "ct_labels",
    "dxa_abmd_g_cm2", "dxa_device", "dataset",
}  # fmt: skip


def _folder(subject: str) -> str:
    return f"results/x/simulate/{subject}"


def test_tables_have_the_columns_and_counts():
    config = VirtualConfig(n_subjects=7, n_annotated=2)
    subjects, radiographs = cohort_tables(config, _folder)
    assert [set(row) for row in subjects] == [COLUMNS] * 7
    assert len(radiographs) == 7 * len(config.positionings)
    assert [row["ct_labels"] is not None for row in subjects] == [True] * 2 + [False] * 5
    assert radiographs[0]["path"] == "results/x/simulate/V001/radiographs/standing.dcm"


def test_dataset_a_has_one_radiograph_and_people_of_its_own():
    config = VirtualConfig(n_subjects=3, n_annotated=1, n_dataset_a=600)
    subjects, radiographs = cohort_tables(config, _folder)
    rest = [row for row in subjects if row["dataset"] == "A"]
    assert [row["subject"] for row in rest[:2]] == ["VA001", "VA002"]
    assert len(subjects) == 603
    assert len(radiographs) == 3 * 4 + 600
    assert np.mean([row["sex"] == "F" for row in rest]) == pytest.approx(0.858, abs=0.05)
    assert np.mean([row["age_years"] for row in rest]) == pytest.approx(58.6, abs=2.0)
    assert np.mean([row["bmi"] for row in rest]) == pytest.approx(23.1, abs=0.6)


def test_some_subjects_lack_one_positioning():
    config = VirtualConfig(n_subjects=1000, missing_radiograph_fraction=16 / 305)
    _, radiographs = cohort_tables(config, _folder)
    counts = Counter(row["subject"] for row in radiographs)
    assert set(counts.values()) == {3, 4}
    # Four standard errors of a share of 1000.
    assert np.mean([n == 3 for n in counts.values()]) == pytest.approx(16 / 305, abs=0.028)


def test_more_subjects_change_no_row():
    few = cohort_tables(VirtualConfig(n_subjects=5, n_annotated=1), _folder)
    many = cohort_tables(VirtualConfig(n_subjects=50, n_annotated=1), _folder)
    assert many[0][:5] == few[0]
    assert many[1][: len(few[1])] == few[1]


def test_demographics_meet_their_targets():
    subjects, _ = cohort_tables(VirtualConfig(n_subjects=2000), _folder)
    ages = np.array([row["age_years"] for row in subjects])
    bmis = np.array([row["bmi"] for row in subjects])
    assert ages.mean() == pytest.approx(57.6, abs=1)
    assert ages.std() == pytest.approx(14.9, rel=0.06)
    assert bmis.mean() == pytest.approx(23.5, abs=0.4)
    assert bmis.std() == pytest.approx(4.0, rel=0.08)
    assert np.mean([row["sex"] == "F" for row in subjects]) == pytest.approx(0.82, abs=0.03)


def test_names_round_trip_and_foreign_names_are_refused():
    config = VirtualConfig()
    assert all(subject_number(config, subject_name(config, n)) == n for n in (1, 42, 305, 10_001))
    for name in ("W001", "V1", "V", "VA", "V00x", "VA1", "../V001"):
        with pytest.raises(ValueError):
            subject_number(config, name)


def test_tables_need_no_heavy_import():
    code = (
        "import sys, bmdpipe.virtual.cohort as c, bmdpipe.core.config.virtual.cohort as v;"
        "c.cohort_tables(v.VirtualConfig(), lambda s: s);"
        "print([m for m in ('numba', 'torch', 'scipy', 'pandas', 'pydicom') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def _digests(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_same_seed_same_bytes_whatever_the_cohort_size(made, configured, tmp_path):
    config = configured(n_subjects=9)
    simulate_subject(config, "V002", tmp_path / "again", True, config.positionings)
    assert _digests(tmp_path / "again") == _digests(made.folder)


def test_subjects_and_seeds_differ(made, configured):
    other = build_anatomy(made.config, 3)
    reseeded = build_anatomy(configured(seed=12), 2)
    for anatomy in (other, reseeded):
        assert not np.allclose(
            anatomy.femora["R"].landmarks["neck_centre"],
            made.anatomy.femora["R"].landmarks["neck_centre"],
        )
