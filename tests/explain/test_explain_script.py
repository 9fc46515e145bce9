"""The explain script on tiny models and pairs, for each method."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from bmdpipe.core.atomic import read_json
from bmdpipe.core.config.training import DiscriminatorConfig, HeadConfig
from bmdpipe.core.layout import Layout
from bmdpipe.geometry.camera import Camera
from bmdpipe.models.registry import build
from bmdpipe.pairs.folds import write_folds
from bmdpipe.pairs.normalise import ImageScale, ValueScale
from bmdpipe.pairs.store import Case, write_index, write_subject
from bmdpipe.training.saved import (
    Decomposition,
    Regression,
    new_discriminator,
    new_generator,
    new_regression,
    save_conventional,
    save_decomposition,
    save_regression,
)
from workflow_scripts.explain import explain
from workflow_scripts.job import Job

SIZE = (16, 32)
SUBJECTS = ("V001", "V002", "V003", "V004")
HEAD = HeadConfig(dims=(8, 8), depths=(1, 1), head_dim=8)
SCALE = ImageScale(0.5, 0.2, 900.0)
CONFIG = {"cases": 3, "deletion_cells": 4, "deletion_steps": 4, "random_orders": 3}


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A cohort of four subjects with two radiographs each, and fold 0's untrained models."""
    at = Layout(str(tmp_path), "c")
    torch.manual_seed(0)
    random = np.random.default_rng(0)
    folder = Path(at.at("pairs"))
    folder.mkdir(parents=True)
    camera = Camera.centred(1000.0, (1.0, 1.0), SIZE)
    cases = []
    for subject in SUBJECTS:
        pf = np.zeros((2, SIZE[1], SIZE[0]), np.float32)
        pf[:, 8:20, 4:12] = 800.0
        noise = random.normal(0.5, 0.1, pf.shape).astype(np.float32)
        write_subject(folder, subject, {"radiograph": noise + pf / 4000, "bones": pf, "pf": pf})
        for row, name in enumerate(("standing", "supine")):
            cases.append(Case(subject, name, name, "R", row, True, camera, False, 1.0))
    write_index(folder, cases)
    write_folds(Path(at.at("folds")) / "folds.tsv", {s: i % 2 for i, s in enumerate(SUBJECTS)})

    discriminator = new_discriminator(DiscriminatorConfig(scales=1, filters=4, layers=1))
    for stage, kind in (("train_stage_one", "bones"), ("train_stage_two", "pf")):
        made = Path(at.at(stage, decomposer="main", fold=0))
        made.mkdir(parents=True)
        trained = Decomposition(new_generator("resnet_tiny"), SCALE, "resnet_tiny", SIZE)
        save_decomposition(made, trained, discriminator, kind, SUBJECTS)
    for target, value in (("dxa", ValueScale(0.76, 0.15)), ("qct", ValueScale(290.0, 57.0))):
        made = Path(at.at("train_stage_three", experiment="reg", target=target, fold=0))
        made.mkdir(parents=True)
        network = new_regression(new_generator("resnet_tiny"), SIZE, HEAD)
        model = Regression(network, SCALE, value)
        save_regression(made, model, HEAD, "resnet_tiny", SIZE, target, SUBJECTS)
        made = Path(at.at("train_conventional", experiment="conv", target=target, fold=0))
        made.mkdir(parents=True)
        model = Regression(build("vgg_tiny", "region_regressor"), SCALE, value)
        save_conventional(made, model, "vgg_tiny", 32, 0.1, target, SUBJECTS)
    return at


def run(layout: Layout, out: Path, name: str, method: str, hierarchical: bool = True):
    decomposer = None if method == "conventional" else "main"
    config = {
        "explain": CONFIG,
        "experiment": {"method": method, "decomposer": decomposer},
        "decomposer": decomposer and {"hierarchical": hierarchical},
        "targets": ["dxa", "qct"],
        "virtual": True,
    }
    out.mkdir()
    outcome = explain(Job("explain", layout, {"experiment": name}, config, {}, 1, ""), out)
    for picture in outcome.metrics.artefacts:
        assert (out / picture).stat().st_size > 0
    return read_json(out / "explanation.json"), outcome


@pytest.mark.parametrize(
    ("name", "method", "stages", "layer"),
    [
        ("reg", "regression", {"stage one", "stage two", "stage three"}, "encoder"),
        ("conv", "conventional", set(), "features"),
    ],
)
def test_a_regression_is_explained_for_every_target(
    layout: Layout, tmp_path: Path, name: str, method: str, stages: set[str], layer: str
) -> None:
    result, outcome = run(layout, tmp_path / "out", name, method)
    assert outcome.metrics.artefacts == ("attention.png", "attention_qct.png", "explanation.json")
    for target in ("dxa", "qct"):
        found = result["targets"][target]
        assert found["layer"] == layer
        assert set(found["representation_explained"]) == stages
        assert len(found["cases"]) == 3
        # fold 0 holds out the first and third subject
        assert {case["case"].split("/")[0] for case in found["cases"]} == {"V001", "V003"}
        for case in found["cases"]:
            assert set(case["maps"]) == {"grad_ram", "grad_ramp"}
            for scores in case["maps"].values():
                assert 0.0 <= scores["deletion_rank"] <= 1.0
                assert scores["deletion"] >= 0.0
        assert f"{target}_grad_ram_deletion_gain" in outcome.metrics.values


def test_a_decomposition_is_shown_beside_the_truth(layout: Layout, tmp_path: Path) -> None:
    result, outcome = run(layout, tmp_path / "out", "dec", "decomposition")
    assert outcome.metrics.artefacts == ("attention.png", "explanation.json")
    found = result["decomposition"]
    assert set(found["representation_explained"]) == {"stage one", "stage two"}
    assert all(case["mean_absolute_error_mg_cm2"] > 0 for case in found["cases"])


def test_without_hierarchical_learning_there_is_no_stage_one(
    layout: Layout, tmp_path: Path
) -> None:
    result, _ = run(layout, tmp_path / "out", "dec", "decomposition", hierarchical=False)
    assert set(result["decomposition"]["representation_explained"]) == {"stage two"}
