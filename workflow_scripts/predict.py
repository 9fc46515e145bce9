"""Predict the BMD of a fold's held-out subjects by one experiment's method."""

from __future__ import annotations

from pathlib import Path

import torch

from bmdpipe.core.atomic import write_json
from bmdpipe.core.config.study import Experiment
from bmdpipe.core.device import pick_device
from bmdpipe.core.files import FOLDS, PROJECTION_FIT
from bmdpipe.core.metrics import Metrics
from bmdpipe.pairs.folds import held_out_subjects, read_folds
from bmdpipe.pairs.store import Pairs, kind_of, read_pairs
from bmdpipe.training.prediction import (
    Estimates,
    estimate_from_images,
    estimate_from_projections,
    prediction_rows,
    project_images,
    write_predictions,
    write_projections,
)
from bmdpipe.training.projection_fit import fit_known_projections
from bmdpipe.training.saved import load_conventional, load_decomposition, load_regression
from bmdpipe.training.stages import region_images
from workflow_scripts.job import Job, Outcome, run_job
from workflow_scripts.training_folds import bmd_of, trained_on


def predict(job: Job, out: Path) -> Outcome:
    experiment = job.section("experiment", Experiment)
    device = pick_device(job.config["device"])
    decomposer = job.config["decomposer"]
    pf = kind_of("pf", decomposer["density"] if decomposer else "qct")
    trained = read_pairs(
        job.at("pairs"), trained_on(job), (pf,), experiment.positionings, target_only=True
    )
    held_out = held_out_subjects(read_folds(job.at("folds") / FOLDS), int(job.keys["fold"]))
    tested = read_pairs(
        job.at("pairs"), held_out, tuple(dict.fromkeys(("radiograph", "pf", pf))), target_only=True
    )
    fits = {
        target: fit_known_projections(trained, pf, bmd_of(job, target, trained))
        for target in job.config["targets"]
    }
    projections = None
    if experiment.method == "decomposition":
        model = load_decomposition(job.at("train_stage_two", decomposer=str(experiment.decomposer)))
        projections = project_images(model, tested.images["radiograph"], device)
        write_projections(out, tested.cases, projections, tested.array(pf))

    rows = []
    for target, fit in fits.items():
        if projections is not None:
            estimates = estimate_from_projections(fit, projections)
        else:
            estimates = _regress(job, experiment, target, tested, device)
        rows += prediction_rows(
            tested.cases,
            int(job.keys["fold"]),
            target,
            bmd_of(job, target, tested),
            estimates,
            estimate_from_projections(fit, tested.images[pf]),
        )
    write_predictions(out, rows)
    write_json(out / PROJECTION_FIT, {target: fit.to_json() for target, fit in fits.items()})
    values = {f"threshold_{target}_mg_cm2": fit.threshold_mg_cm2 for target, fit in fits.items()}
    values["cases"] = len(tested)
    values["flagged"] = sum(bool(row["flags"]) for row in rows)
    return Outcome(Metrics(values=values, artefacts=(PROJECTION_FIT,)))


def _regress(
    job: Job, experiment: Experiment, target: str, tested: Pairs, device: torch.device
) -> Estimates:
    if experiment.method == "regression":
        trained = load_regression(job.at("train_stage_three", target=target))
        return estimate_from_images(trained, tested.images["radiograph"], device)
    trained, region_px, margin = load_conventional(job.at("train_conventional", target=target))
    return estimate_from_images(trained, region_images(tested, region_px, margin), device)


if __name__ == "__main__":
    run_job("predict", predict)
