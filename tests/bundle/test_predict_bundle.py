"""Radiographs through a bundle: the workflow's numbers, flags, refusals, and what is kept."""

import csv
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pydicom
import pytest
import torch

from bmdpipe.cli.main import main
from bmdpipe.core.atomic import read_json
from bmdpipe.core.files import PREDICTIONS
from bmdpipe.imaging.nifti import read_image
from bmdpipe.report.bundle.estimate import (
    DISAGREE,
    OUT_OF_DOMAIN,
    OUT_OF_RANGE,
    combine,
    estimate_hip,
)
from bmdpipe.report.bundle.files import TargetLimits, read_bundle
from bmdpipe.report.bundle.members import Opinion, load_members
from bmdpipe.report.bundle.predict import predict
from bmdpipe.report.bundle.reading import read_hips
from tests.bundle.conftest import PATIENT, picture, write_dicom

INFANTS = Path(__file__).resolve().parents[3] / "shared/data/pelvis_radiographs_dx"
CPU = torch.device("cpu")
LIMITS = TargetLimits("g/cm2", 0.9, 0.1, 0.1, (0.5, 1.0))


def command(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["bmdpipe", *map(str, arguments)])
    with pytest.raises(SystemExit) as left:
        main()
    return int(left.value.code or 0)


def one_fold(folder, fold):
    return replace(read_bundle(folder), folds=(fold,))


@pytest.mark.parametrize("experiment", ["decomposition", "regression"])
def test_one_fold_says_what_the_workflow_says(finished, tmp_path, experiment):
    finished.export(experiment, tmp_path / "b")
    compared = 0
    for fold in (0, 1):
        bundle = one_fold(tmp_path / "b", fold)
        job = finished.job("predict", experiment=experiment, fold=fold)
        table = pd.read_csv(job.out / PREDICTIONS, sep="\t", keep_default_na=False)
        for row in table.to_dict("records"):
            path = finished.dicom[row["subject"], row["radiograph"]]
            (found,) = predict(bundle, [path], [row["side"]], "cpu")
            estimate = next(e for e in found.hips[0].estimates if e.target == row["target"])
            assert estimate.bmd == pytest.approx(float(row["bmd_pred"]), rel=1e-6)
            assert set(filter(None, row["flags"].split(","))) <= set(estimate.flags)
            compared += 1
    assert compared > 10


def test_the_mean_over_folds_is_given(finished, bundle):
    path = finished.dicom["S1", "supine"]
    both = next(predict(read_bundle(bundle), [path], ["L"], "cpu")).hips[0]
    alone = [next(predict(one_fold(bundle, f), [path], ["L"], "cpu")).hips[0] for f in (0, 1)]
    for target in range(2):
        values = [hip.estimates[target].bmd for hip in alone]
        assert both.estimates[target].bmd == pytest.approx(np.mean(values), rel=1e-9)
    np.testing.assert_allclose(
        both.projection, (alone[0].projection + alone[1].projection) / 2, rtol=1e-5, atol=1e-3
    )


def opinion(bmd, *flags):
    return Opinion(np.zeros((2, 2), np.float32), {"dxa": bmd}, {"dxa": flags})


@pytest.mark.parametrize(
    ("values", "strange", "flags"),
    [
        ((0.7, 0.8), False, ()),
        ((0.6, 0.9), False, (DISAGREE,)),
        ((1.0, 1.1), False, (OUT_OF_RANGE,)),
        ((0.7, 0.8), True, (OUT_OF_DOMAIN,)),
    ],
)
def test_flags(values, strange, flags):
    found = combine("dxa", LIMITS, [opinion(v) for v in values], strange)
    assert found.flags == flags
    assert (found.low, found.high) == pytest.approx((found.bmd - 0.1, found.bmd + 0.1))


def test_a_flag_of_half_of_the_folds_counts():
    raised = [opinion(0.7, "x"), opinion(0.7), opinion(0.7)]
    assert combine("dxa", LIMITS, raised, False).flags == ()
    assert combine("dxa", LIMITS, raised[:2], False).flags == ("x",)


def test_without_an_interval_there_is_none():
    found = combine("dxa", replace(LIMITS, half_width=None), [opinion(0.7)], False)
    assert found.low is found.high is None


def test_a_foreign_picture_is_out_of_domain(bundle, tmp_path):
    rng = np.random.default_rng(1)
    opened = read_bundle(bundle)
    files = {
        "like": write_dicom(tmp_path / "a.dcm", picture(rng)),
        "noise": write_dicom(tmp_path / "b.dcm", rng.integers(0, 60000, (36, 40))),
        "large": write_dicom(tmp_path / "c.dcm", picture(rng), ImagerPixelSpacing=[5, 5]),
    }
    found = {}
    for name, path in files.items():
        read = read_hips(path, name, ["R"], opened.size_px, opened.canonical_side, opened.imaging)
        found[name] = estimate_hip(read.hips[0], opened, load_members(opened), CPU)
    assert found["like"].strange == ()
    assert "unexplained" in found["noise"].strange
    assert "width_mm" in found["large"].strange
    assert all(OUT_OF_DOMAIN in e.flags for e in found["noise"].estimates)


def test_one_line_for_each_that_cannot_be_used_and_the_others_go_on(
    finished, bundle, tmp_path, monkeypatch, capsys
):
    good = finished.dicom["S1", "standing"]
    broken = tmp_path / "broken.dcm"
    broken.write_bytes(b"no DICOM")
    chest = write_dicom(
        tmp_path / "chest.dcm", picture(np.random.default_rng(2)), BodyPartExamined="CHEST"
    )
    code = command(monkeypatch, "predict", bundle, broken, chest, good, "--out", tmp_path / "o")
    said = capsys.readouterr()
    assert code == 2
    bad = said.err.splitlines()
    assert ["E_NOT_DICOM" in bad[0], "E_NOT_HIP_AP" in bad[1], len(bad)] == [True, True, 2]
    assert len(said.out.splitlines()) == 4  # two sides, two targets
    with (tmp_path / "o" / PREDICTIONS).open() as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    assert {row["radiograph"] for row in rows} == {"radiograph003"}


def test_a_side_that_the_header_rules_out_is_put_aside(bundle, tmp_path, monkeypatch, capsys):
    path = write_dicom(tmp_path / "r.dcm", picture(np.random.default_rng(3)), ImageLaterality="R")
    assert command(monkeypatch, "predict", bundle, path) == 2
    said = capsys.readouterr()
    assert "E_SIDE_CONFLICT" in said.err
    assert len(said.out.splitlines()) == 2
    assert command(monkeypatch, "predict", bundle, path, "--side", "R") == 0


def test_results_tell_neither_patient_nor_file(finished, bundle, tmp_path, monkeypatch):
    named = tmp_path / "Doe_Jane_1950.dcm"
    named.write_bytes(finished.dicom["S1", "standing"].read_bytes())
    gone = tmp_path / "Doe_Jane_1951.dcm"
    out = tmp_path / "o"
    assert command(monkeypatch, "predict", bundle, named, gone, "--out", out, "--dicom") == 2
    files = [path for path in out.rglob("*") if path.is_file()]
    assert len(files) == 2 + 2 * 5
    for path in files:
        assert "doe" not in path.name.lower()
        assert PATIENT.encode() not in path.read_bytes()
        assert b"Doe_Jane" not in path.read_bytes()


def test_projection_files_hold_the_projection_in_its_unit(finished, bundle, tmp_path, monkeypatch):
    out, path = tmp_path / "o", finished.dicom["S1", "standing"]
    command(monkeypatch, "predict", bundle, path, "--side", "L", "--out", out, "--dicom")
    found = next(predict(read_bundle(bundle), [path], ["L"], "cpu")).hips[0]
    # Left hips are mirrored for the network; the file shows them as the radiograph does.
    as_seen = found.projection[:, ::-1]
    nifti = read_image(out / "radiograph001_L_projection.nii.gz")
    assert nifti.unit == "mg/cm2"
    assert nifti.spacing_mm == pytest.approx(found.hip.window.spacing_mm)
    np.testing.assert_allclose(nifti.array, as_seen, rtol=1e-6)
    stored = pydicom.dcmread(out / "radiograph001_L_projection.dcm")
    assert stored.RescaleType == "mg/cm2"
    np.testing.assert_allclose(
        stored.pixel_array * float(stored.RescaleSlope),
        as_seen,
        atol=0.51 * float(stored.RescaleSlope),
    )
    picture_file = pydicom.dcmread(out / "radiograph001_L_overview.dcm")
    assert picture_file.pixel_array.shape[2] == 3


def test_the_record_holds_what_is_behind_a_number(finished, bundle, tmp_path, monkeypatch):
    out = tmp_path / "o"
    command(monkeypatch, "predict", bundle, finished.dicom["S1", "standing"], "--out", out)
    record = read_json(out / "predictions.json")
    assert record["research_only"]
    assert record["virtual"]
    assert record["provenance"]["commit"] == "c0ffee"
    (radiograph,) = record["radiographs"]
    assert [hip["side"] for hip in radiograph["hips"]] == ["R", "L"]
    assert all(len(e["by_fold"]) == 2 for hip in radiograph["hips"] for e in hip["estimates"])


@pytest.mark.skipif(not INFANTS.is_dir(), reason="the real radiographs are not beside the checkout")
def test_infants_are_refused_or_flagged(bundle):
    files = sorted(INFANTS.glob("*.dcm"))
    opened = read_bundle(bundle)
    refused = list(predict(opened, files, ["R", "L"], "cpu"))
    assert [o.refused[0].code for o in refused] == ["E_NO_SPACING"] * len(files)
    # Even if somebody makes up a spacing that gives the window the size of an adult's hip.
    assumed = opened.imaging.model_copy(update={"default_spacing_mm": 160 / 331})
    read = list(predict(replace(opened, imaging=assumed), files, ["R", "L"], "cpu"))
    assert all("unexplained" in hip.strange for outcome in read for hip in outcome.hips)
    assert sum(len(outcome.hips) for outcome in read) == 2 * len(files)
