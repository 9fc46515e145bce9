"""The companion studies from their data to page and tracking store, in the smallest form."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from bmdpipe.core.atomic import read_json

REPOSITORY = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.workflow, pytest.mark.long]
EXPLAIN = {"cases": 2, "deletion_cells": 4, "deletion_steps": 3, "random_orders": 2}
BRAIN = {
    "brain": {"n_cases": 12, "voxel_mm": 8.0},
    "brain_mr_attribution": {
        "n_folds": 2,
        "voxel_mm": 8.0,
        "size_vox": [20, 24, 22],
        "models": ["volume_cnn_small"],
        "training": {"epochs": 2, "batch_size": 4},
        "explain": {**EXPLAIN, "methods": ["lrp", "guided", "grad_cam_pp"]},
        "random_models": 2,
    },
}


def run(study: str, folder: Path, own: dict) -> Path:
    """Run a study's target in a folder; returns where its results lie."""
    config = {
        "cohort": {"name": "tiny", "kind": "virtual"},
        "results": str(folder / "results"),
        "evaluation": {"bootstrap_samples": 20},
        **own,
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config))
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--cores",
        "2",
        "-s",
        str(REPOSITORY / "Snakefile"),
    ]
    subprocess.run(
        [*command, "--directory", str(folder), "--configfile", str(path), "--", study],
        check=True, capture_output=True,
    )  # fmt: skip
    return folder / "results" / "tiny" / "studies" / study


def test_brain_attribution_ends_in_a_page_with_every_map_checked(tmp_path: Path) -> None:
    results = run("brain_mr_attribution", tmp_path, BRAIN)
    found = read_json(results / "explain" / "explanation.json")["models"]["volume_cnn_small"]
    for method in ("lrp", "guided", "grad_cam_pp", "summary"):
        assert "deletion_rank" in found["methods"][method]
    assert 0 < found["localisation"]["chance"] < 0.5
    assert len(found["localisation"]["shuffled"]) == 2
    page = (results / "report" / "index.html").read_text()
    assert "Virtual subjects." in page
    assert "Kendall" in page
    assert read_json(results / "tracked.json")["runs"] == {"created": 3}


def test_tumour_classification_runs_on_any_folder_of_classes(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for name, bright in (("normal", 0), ("tumour", 90)):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for number in range(8):
            pixels = random.integers(0, 120, (40, 36))
            pixels[10:25, 8:20] += bright
            Image.fromarray(pixels.astype(np.uint8)).save(
                tmp_path / "pictures" / name / f"{number}.png"
            )
    own = {
        "tumour_classification": {
            "folder": str(tmp_path / "pictures"),
            "n_folds": 2,
            "size_px": [32, 32],
            "models": ["resnet_short", "logistic"],
            "training": {"epochs": 2, "batch_size": 4},
            "explain": {**EXPLAIN, "methods": ["grad_cam", "lrp"]},
        }
    }
    results = run("tumour_classification", tmp_path, own)
    evaluated = read_json(results / "evaluate" / "evaluation.json")
    for model in ("logistic", "resnet_short"):
        metrics = evaluated["models"][model]["metrics"]
        assert {"accuracy", "confidence", "calibration_error"} <= set(metrics)
    assert "no feature maps" in str(
        read_json(results / "explain" / "explanation.json")["models"]["logistic"]["left_out"]
    )
    page = (results / "report" / "index.html").read_text()
    rows = [page.index(f'<th scope="row">{model}</th>') for model in ("resnet_short", "logistic")]
    assert rows == sorted(rows), "the models stand in the config's order"
