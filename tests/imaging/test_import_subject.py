"""The import script: canonical files out, faults recorded, no identity left."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from bmdpipe.core.errors import CaseError
from bmdpipe.core.layout import Layout
from bmdpipe.core.volume import Volume
from bmdpipe.geometry.camera import Camera
from bmdpipe.imaging.nifti import read_image, read_meta, read_volume, write_volume
from workflow_scripts.import_subject import import_subject
from workflow_scripts.job import Job

from .series import ORIGIN, SPACING, body_hu, dx_file, hip_like, write_series


def job(folder: Path, hu: np.ndarray | None = None) -> Job:
    write_series(folder / "ct", hu)
    field = {"Left": 5, "Right": 52}, {"Upper": 3, "Lower": 50}
    edges = {f"Collimator{k}VerticalEdge": v for k, v in field[0].items()}
    edges |= {f"Collimator{k}HorizontalEdge": v for k, v in field[1].items()}
    dx_file(folder / "a.dcm", hip_like(), CollimatorShape="RECTANGULAR", **edges)
    dx_file(folder / "b.dcm", hip_like(), ImagerPixelSpacing=None)
    labels = (body_hu() > 600).astype(np.uint8) * 3
    write_volume(folder / "expert.nii.gz", Volume(labels, SPACING, ORIGIN, "label"))
    (folder / "dxa.json").write_text(json.dumps({"abmd_g_cm2": 0.71, "device": "virtual"}))
    row = {
        "subject": {
            "subject": "S1",
            "sex": "F",
            "age_years": 60.0,
            "bmi": None,
            "side": "R",
            "dataset": "B",
            "ct": str(folder / "ct"),
            "ct_phantom": "none",
            "dxa_abmd_g_cm2": None,
            "dxa_device": None,
            "dxa_file": str(folder / "dxa.json"),
            "ct_labels": str(folder / "expert.nii.gz"),
        },
        "radiographs": [
            {
                "subject": "S1",
                "radiograph": name,
                "positioning": "supine",
                "path": str(folder / f"{name}.dcm"),
            }
            for name in ("a", "b")
        ],
    }
    layout = Layout(str(folder / "results"), "c")
    return Job("import", layout, {"subject": "S1"}, {"imaging": {}}, row, 1, "")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def test_leaves_the_files_of_the_contract(tmp_path: Path, out: Path) -> None:
    outcome = import_subject(job(tmp_path), out)
    np.testing.assert_array_equal(read_volume(out / "ct.nii.gz").array, body_hu())
    found = read_volume(out / "labels.nii.gz")
    np.testing.assert_array_equal(found.array == 3, body_hu() > 600)
    assert json.loads((out / "subject.json").read_text()) == {
        "subject": "S1",
        "sex": "F",
        "age_years": 60.0,
        "bmi": None,
        "side": "R",
        "dataset": "B",
        "metal_sides": [],
        "dxa_abmd_g_cm2": 0.71,
        "dxa_device": "virtual",
    }
    image, meta = read_image(out / "radiographs/a.nii.gz"), read_meta(out / "radiographs/a.nii.gz")
    camera = Camera.from_json(meta["camera"])
    assert camera.size_px == image.size_px
    assert camera.spacing_mm == image.spacing_mm == (0.5, 0.5)
    assert camera.sdd_mm == meta["sdd_mm"] == 1150
    assert meta["positioning"] == "supine"
    assert meta["field_px"] == [4, 2, 52, 50]
    assert [(p.case, p.stage, p.code) for p in outcome.parts] == [
        ("S1/b", "import", "E_NO_SPACING")
    ]
    assert outcome.metrics.values["n_slices"] == 24
    assert outcome.metrics.values["radiographs_used"] == 1
    assert not (out / "radiographs/b.nii.gz").exists()


def with_implant(columns: slice) -> np.ndarray:
    hu = body_hu()
    hu[4:10, 12:20, columns] = 3000
    return hu


def test_an_implant_in_the_other_hip_is_marked(tmp_path: Path, out: Path) -> None:
    outcome = import_subject(job(tmp_path, with_implant(slice(26, 32))), out)
    assert "W_METAL" in {warning.code for warning in outcome.warnings}
    assert json.loads((out / "subject.json").read_text())["metal_sides"] == ["L"]


def test_an_implant_in_the_target_hip_is_refused(tmp_path: Path, out: Path) -> None:
    with pytest.raises(CaseError, match="E_METAL"):
        import_subject(job(tmp_path, with_implant(slice(8, 14))), out)


def test_nothing_of_the_patients_identity_is_written(tmp_path: Path, out: Path) -> None:
    import_subject(job(tmp_path), out)
    for path in out.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            content = gzip.decompress(content) if path.suffix == ".gz" else content
            for secret in (b"Secret", b"4711", b"19500101"):
                assert secret not in content
