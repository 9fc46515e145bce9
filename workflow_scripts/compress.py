"""Predict a fold's held-out BMD from compressed radiographs (Gu 2023 Fig. 8)."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import torch

from bmdpipe.core.atomic import write_text
from bmdpipe.core.config.study import Experiment
from bmdpipe.core.device import pick_device
from bmdpipe.core.files import COMPRESSED, FOLDS, PREDICTIONS, PROJECTION_FIT
from bmdpipe.pairs.compression import CompressedStack, Compression, mean_size_kb
from bmdpipe.pairs.folds import held_out_subjects, read_folds
from bmdpipe.pairs.mapped import ImageStack
from bmdpipe.pairs.store import Pairs, read_pairs
from bmdpipe.training.prediction import (
    Estimates,
    estimate_from_images,
    estimate_from_projections,
    project_images,
    read_fits,
)
from bmdpipe.training.saved import load_decomposition, load_regression
from workflow_scripts.job import Job, Outcome, run_job


def compress(job: Job, out: Path) -> Outcome:
    """One row per case, target and compression, beside what the fold's predictions know of it."""
    torch.set_num_threads(job.threads)
    held_out = held_out_subjects(read_folds(job.at("folds") / FOLDS), int(job.keys["fold"]))
    tested = read_pairs(job.at("pairs"), held_out, ("radiograph",), target_only=True)
    known = pd.read_csv(job.at("predict") / PREDICTIONS, sep="\t", dtype={"subject": str})
    tables = []
    for how in [
        *(Compression("bits", bits) for bits in job.config["bit_depths"]),
        *(Compression("jpeg", quality) for quality in job.config["jpeg_qualities"]),
    ]:
        images = CompressedStack(tested.images["radiograph"], how)
        size = mean_size_kb(tested.array("radiograph"), how)
        for target, estimates in _estimates(job, images).items():
            of_case = dict(zip(_names(tested), estimates.values.tolist(), strict=True))
            rows = known[known["target"] == target]
            tables.append(
                rows.assign(
                    bmd_pred=rows["case"].map(of_case),
                    compression=how.kind,
                    setting=how.setting,
                    size_kb=size,
                )
            )
    write_text(out / COMPRESSED, pd.concat(tables).to_csv(sep="\t", index=False))
    return Outcome()


def _names(pairs: Pairs) -> list[str]:
    return [case.name for case in pairs.cases]


def _estimates(job: Job, images: ImageStack) -> dict[str, Estimates]:
    """BMD by target of a stack of radiographs, by the experiment's models of this fold."""
    experiment = job.section("experiment", Experiment)
    device = pick_device(job.config["device"])
    if experiment.method == "decomposition":
        model = load_decomposition(job.at("train_stage_two", decomposer=str(experiment.decomposer)))
        projections = project_images(model, images, device)
        fits = read_fits(job.at("predict") / PROJECTION_FIT)
        return {t: estimate_from_projections(fits[t], projections) for t in job.config["targets"]}
    return {
        target: estimate_from_images(
            load_regression(job.at("train_stage_three", target=target)), images, device
        )
        for target in job.config["targets"]
    }


if __name__ == "__main__":
    run_job("compress", compress)
