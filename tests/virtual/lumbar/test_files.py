"""A lumbar case on disk: reproducible, readable, truth apart."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pydicom
import pytest

from bmdpipe.imaging.nifti import read_volume
from bmdpipe.virtual.lumbar.cohort import lumbar_cases
from bmdpipe.virtual.lumbar.simulate import BODY, make_lumbar_case, simulate_lumbar_case
from bmdpipe.virtual.lumbar.write import write_lumbar_cohort


def _bytes(folder: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
    }


@pytest.fixture(scope="module")
def folder(small, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("lumbar") / "L00003"
    simulate_lumbar_case(small, "L00003", path)
    return path


def test_same_seed_same_bytes_whatever_the_cohort_is(small, folder, tmp_path):
    again = tmp_path / "again"
    simulate_lumbar_case(small.model_copy(update={"n_cases": 4}), "L00003", again)
    assert _bytes(again) == _bytes(folder)


def test_another_seed_and_another_number_give_another_patient(small, cases):
    other = make_lumbar_case(small.model_copy(update={"seed": 6}), 3)
    assert not np.array_equal(other.ct.array, cases[2].ct.array)
    assert not np.array_equal(cases[1].ct.array, cases[2].ct.array)


def test_the_series_is_the_slab_in_the_order_of_its_positions(folder, cases):
    slices = [pydicom.dcmread(path) for path in sorted((folder / "ct").iterdir())]
    slices.sort(key=lambda s: s.ImagePositionPatient[2])
    hu = np.stack([s.pixel_array * s.RescaleSlope + s.RescaleIntercept for s in slices])
    assert np.array_equal(hu, cases[2].ct.array)
    gaps = np.diff([s.ImagePositionPatient[2] for s in slices])
    assert np.allclose(gaps, slices[0].SpacingBetweenSlices)


def test_truth_lies_apart_and_fits_the_slab(folder, cases):
    assert {p.name for p in folder.iterdir()} == {"ct", "dxa.json", "truth"}
    truth = json.loads((folder / "truth/truth.json").read_text())
    labels = read_volume(folder / "truth/labels.nii.gz")
    density = read_volume(folder / "truth/density.nii.gz")
    core = read_volume(folder / "truth/core.nii.gz")
    assert labels.array.shape == density.array.shape == cases[2].ct.array.shape
    inside = core.array > 0
    assert (labels.array[inside] == BODY).all()
    assert truth["vbmd_mg_cm3"] == pytest.approx(density.array[inside].mean())


def test_dxa_repeats_truth_within_its_errors(small, folder):
    truth = json.loads((folder / "truth/truth.json").read_text())["abmd_g_cm2"]
    read = json.loads((folder / "dxa.json").read_text())["abmd_g_cm2"]
    assert abs(read / truth - 1) < 3.1 * (small.dxa_accuracy_cv + small.dxa_precision_cv)


def test_a_row_per_case_without_simulating(small):
    rows = lumbar_cases(small)
    assert len({row["case"] for row in rows}) == len(rows) == small.n_cases
    assert {"sex", "age_years", "bmi", "level", "ct", "dxa_file"} <= rows[0].keys()


def test_a_foreign_name_is_refused(small, tmp_path):
    with pytest.raises(ValueError, match="V001"):
        simulate_lumbar_case(small, "V001", tmp_path)


def test_a_cohort_goes_on_where_it_stopped(small, tmp_path, caplog):
    config = small.model_copy(update={"n_cases": 2})
    caplog.set_level("INFO")
    (tmp_path / "L00001").mkdir()
    write_lumbar_cohort(config, tmp_path)
    assert not list((tmp_path / "L00001").iterdir())
    assert (tmp_path / "L00002/truth/truth.json").exists()
    assert len(caplog.records) == 1
