"""Landmarks leave as a 3D Slicer markups file and come back as a person corrected them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bmdpipe.core.config.roi import RoiConfig
from bmdpipe.core.errors import CaseError
from bmdpipe.densitometry.femur import corrected, find_landmarks, trusted
from bmdpipe.densitometry.markups import read_markups, write_markups
from bmdpipe.densitometry.proximal_femur import measure_femur
from bmdpipe.geometry.landmarks import LANDMARKS
from tests.densitometry.analytic_femur import analytic_femur


@pytest.fixture(scope="module")
def femur():
    return analytic_femur()


@pytest.fixture
def file(femur, tmp_path: Path) -> Path:
    path = tmp_path / "femur_r.mrk.json"
    write_markups(path, femur[1], "automatic")
    return path


def edited(path: Path, change) -> Path:
    raw = json.loads(path.read_text())
    change(raw["markups"][0])
    path.write_text(json.dumps(raw))
    return path


def test_what_is_written_is_read(femur, file) -> None:
    found = read_markups(file, "S1/R")
    assert list(found) == list(LANDMARKS)
    for name, point in femur[1].items():
        np.testing.assert_allclose(found[name], point, atol=5e-4)


def test_a_file_in_ras_is_turned(femur, file) -> None:
    def turn(markup) -> None:
        markup["coordinateSystem"] = "RAS"
        for point in markup["controlPoints"]:
            x, y, z = point["position"]
            point["position"] = [-x, -y, z]

    found = read_markups(edited(file, turn), "S1/R")
    np.testing.assert_allclose(found["shaft_5cm"], femur[1]["shaft_5cm"], atol=5e-4)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda m: m["controlPoints"].pop(2), "junction_superior not placed"),
        (lambda m: m["controlPoints"][0].update(positionStatus="undefined"), "head_centre not"),
        (lambda m: m["controlPoints"][0].update(position=[1, 2]), "head_centre without three"),
        (lambda m: m["controlPoints"][0].update(position=[1, 2, float("nan")]), "head_centre"),
        (lambda m: m.update(coordinateSystem="5"), "'5', not LPS or RAS"),
        (lambda m: m.update(coordinateUnits="um"), "not mm"),
    ],
)
def test_faults_are_named(file, change, told) -> None:
    with pytest.raises(CaseError, match=f"E_LANDMARKS.*{told}"):
        read_markups(edited(file, change), "S1/R")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"markups": []}', '{"markups": [3]}'])
def test_what_is_no_markups_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.mrk.json"
    path.write_text(text)
    with pytest.raises(CaseError, match=r"E_LANDMARKS.*no markups file"):
        read_markups(path, "S1/R")


def test_corrected_landmarks_are_used_and_marked(femur) -> None:
    labels, truth = femur
    density = labels.like(np.where(labels.array > 0, 300, 0).astype(np.int16), "mg/cm3")
    config = RoiConfig(abmd_pixel_mm=1.0, abmd_depth_step_mm=2.0)
    own = find_landmarks(labels, "R", "S1")
    lower = {name: point - [0, 0, 15.0 * name.startswith("shaft")] for name, point in truth.items()}
    theirs = trusted(corrected(lower, labels, "R", "S1"), "S1/R", 0.1, 0.5)
    assert [w.code for w in theirs.warnings] == ["W_CORRECTED"]
    assert theirs.to_json()["source"] == "corrected"
    found = [measure_femur(density, labels, "R", x, "S1", config).volume_ml for x in (own, theirs)]
    # 15 mm more of a shaft of 15 mm radius.
    assert found[1] - found[0] == pytest.approx(np.pi * 1.5**2 * 1.5, rel=0.2)


def test_landmarks_of_another_bone_are_refused(femur) -> None:
    labels, truth = femur
    other = {name: point * [-1, 1, 1] for name, point in truth.items()}
    with pytest.raises(CaseError, match=r"E_LANDMARKS.*head_centre"):
        corrected(other, labels, "R", "S1")
    with pytest.raises(CaseError, match="E_SEGMENTATION"):
        corrected(truth, labels, "L", "S1")
