"""A chest case on disk: reproducible, readable, truth apart."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image

from bmdpipe.virtual.chest.cohort import chest_cases, has_findings
from bmdpipe.virtual.chest.simulate import make_chest_case, simulate_chest_case
from bmdpipe.virtual.chest.write import write_chest_cohort


def _bytes(folder: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
    }


@pytest.fixture(scope="module")
def folder(small, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("chest") / "C00002"
    simulate_chest_case(small, "C00002", path)
    return path


def test_same_seed_same_bytes_whatever_the_cohort_is(small, folder, tmp_path):
    again = tmp_path / "again"
    simulate_chest_case(small.model_copy(update={"n_cases": 4}), "C00002", again)
    assert _bytes(again) == _bytes(folder)


def test_another_seed_gives_another_patient(small, cases):
    other = make_chest_case(small.model_copy(update={"seed": 4}), 2)
    assert not np.array_equal(other.radiograph, cases[1].radiograph)


def test_files_hold_the_pair_and_truth_lies_apart(small, folder, cases):
    assert {p.name for p in folder.iterdir()} == {"radiograph.dcm", "suppressed.png", "truth"}
    data = pydicom.dcmread(folder / "radiograph.dcm")
    assert (data.Modality, data.ViewPosition) == ("DX", "PA")
    assert data.pixel_array.max() <= 4095
    assert np.allclose(data.pixel_array / 4095, cases[1].radiograph, atol=1e-3)
    twin = np.array(Image.open(folder / "suppressed.png"))
    assert np.allclose(twin / 4095, cases[1].suppressed, atol=1e-3)
    for name in ("bones", "lungs", "findings"):
        mask = np.array(Image.open(folder / f"truth/{name}.png"))
        assert mask.shape == (small.size_px, small.size_px)
        assert set(np.unique(mask)) <= {0, 255}
    truth = json.loads((folder / "truth/truth.json").read_text())
    assert truth["tuberculosis"] == has_findings(small, 2) == bool(truth["findings"])


def test_a_row_per_case_with_its_class(small, cases):
    rows = chest_cases(small)
    assert len({row["case"] for row in rows}) == len(rows) == small.n_cases
    assert [bool(row["tuberculosis"]) for row in rows] == [bool(c.findings.kinds) for c in cases]


@pytest.mark.parametrize("fraction", [0.0, 0.3, 0.5, 1.0])
def test_classes_are_balanced_as_configured(small, fraction):
    config = small.model_copy(update={"finding_fraction": fraction})
    drawn = np.array([has_findings(config, number) for number in range(1, 501)])
    for start in range(0, 500, 100):
        assert drawn[start : start + 100].mean() == pytest.approx(fraction, abs=0.025)


def test_a_foreign_name_is_refused(small, tmp_path):
    with pytest.raises(ValueError, match="L00001"):
        simulate_chest_case(small, "L00001", tmp_path)


def test_a_cohort_goes_on_where_it_stopped(small, tmp_path, caplog):
    caplog.set_level("INFO")
    (tmp_path / "C00001").mkdir()
    write_chest_cohort(small.model_copy(update={"n_cases": 2}), tmp_path)
    assert not list((tmp_path / "C00001").iterdir())
    assert (tmp_path / "C00002/truth/truth.json").exists()
    assert len(caplog.records) == 1
