"""Draw what the first fold's model of an experiment attends to, on held-out radiographs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from bmdpipe.core.atomic import write_json
from bmdpipe.core.config.explain import ExplainConfig
from bmdpipe.core.config.study import Experiment
from bmdpipe.core.files import ATTENTION, EXPLANATION, FOLDS
from bmdpipe.core.metrics import Metrics
from bmdpipe.explain.experiment import (
    ENCODER,
    FEATURES,
    explain_decomposition,
    explain_regression,
)
from bmdpipe.pairs.folds import held_out_subjects, read_folds
from bmdpipe.pairs.store import Pairs, read_pairs
from bmdpipe.training.saved import (
    Decomposition,
    load_conventional,
    load_decomposition,
    load_regression,
)
from bmdpipe.training.stages import region_images
from workflow_scripts.job import Job, Outcome, run_job

FOLD = 0
STAGES = {"stage one": "train_stage_one", "stage two": "train_stage_two"}


def explain(job: Job, out: Path) -> Outcome:
    """Maps with their scores, or projections beside the true ones, and representations by stage."""
    config = job.section("explain", ExplainConfig)
    experiment = job.section("experiment", Experiment)
    torch.set_num_threads(job.threads)
    held_out = held_out_subjects(read_folds(job.at("folds") / FOLDS), FOLD)
    tested = _spread(
        read_pairs(job.at("pairs"), held_out, ("radiograph", "pf"), target_only=True), config.cases
    )
    cases = [case.name for case in tested.cases]
    virtual = bool(job.config["virtual"])
    stages = _stages(job, experiment)
    result: dict[str, Any] = {
        "experiment": job.keys["experiment"],
        "method": experiment.method,
        "fold": FOLD,
        "virtual": virtual,
    }
    if experiment.method == "decomposition":
        images = torch.from_numpy(tested.array("radiograph"))[:, None]
        result["decomposition"] = explain_decomposition(
            out / ATTENTION,
            stages["stage two"],
            stages,
            images,
            tested.array("pf"),
            cases,
            virtual,
        )
        write_json(out / EXPLANATION, result)
        return Outcome(Metrics(artefacts=(ATTENTION, EXPLANATION)))

    result["targets"] = {}
    artefacts: list[str] = []
    for target in job.config["targets"]:
        if experiment.method == "regression":
            model = load_regression(job.at("train_stage_three", target=target, fold=FOLD))
            images, layer = torch.from_numpy(tested.array("radiograph"))[:, None], ENCODER
        else:
            model, region_px, margin = load_conventional(
                job.at("train_conventional", target=target, fold=FOLD)
            )
            regions = region_images(tested, region_px, margin)[np.arange(len(tested))]
            images, layer = torch.from_numpy(regions)[:, None], FEATURES
        # The report knows the first target's sheet by its plain name.
        name = ATTENTION if not artefacts else f"attention_{target}.png"
        artefacts.append(name)
        result["targets"][target] = explain_regression(
            out / name, model, layer, stages, images, cases, target, config, virtual
        )
    write_json(out / EXPLANATION, result)
    return Outcome(Metrics(values=_values(result), artefacts=(*artefacts, EXPLANATION)))


def _spread(pairs: Pairs, count: int) -> Pairs:
    """So many cases, spread evenly over the held-out ones."""
    rows = np.unique(np.linspace(0, len(pairs) - 1, count).round().astype(int))
    return Pairs(
        tuple(pairs.cases[row] for row in rows),
        {kind: np.ascontiguousarray(stack[rows]) for kind, stack in pairs.images.items()},
    )


def _stages(job: Job, experiment: Experiment) -> dict[str, Decomposition]:
    """The decomposition's stages that were trained, by name, in their order."""
    if experiment.decomposer is None:
        return {}
    folders = {
        name: job.at(stage, decomposer=experiment.decomposer, fold=FOLD)
        for name, stage in STAGES.items()
    }
    hierarchical = job.config["decomposer"]["hierarchical"]
    return {
        name: load_decomposition(folder)
        for name, folder in folders.items()
        if hierarchical or name != "stage one"
    }


def _values(result: dict[str, Any]) -> dict[str, float]:
    """The mean scores of each map for tracking: `dxa_grad_ram_deletion_gain`, ..."""
    return {
        f"{target}_{method}_{name}": value
        for target, found in result["targets"].items()
        for method, scores in found["maps"].items()
        for name, value in scores.items()
    }


if __name__ == "__main__":
    run_job("explain", explain)
