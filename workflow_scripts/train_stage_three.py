"""Train a fold's stage three: the representation to one BMD value."""

from __future__ import annotations

from pathlib import Path

from bmdpipe.core.config.pairs import PairsConfig
from bmdpipe.core.config.study import Decomposer, Experiment
from bmdpipe.core.config.training import TrainingConfig
from bmdpipe.core.files import WEIGHTS
from bmdpipe.core.training_state import mark_ended
from bmdpipe.pairs.store import kind_of, read_pairs
from bmdpipe.training.data import with_values
from bmdpipe.training.history import history_metrics, write_history
from bmdpipe.training.projection_fit import fit_known_projections
from bmdpipe.training.saved import save_regression
from bmdpipe.training.stages import regress, regress_on_projection
from workflow_scripts.job import Job, Outcome, run_job
from workflow_scripts.training_folds import bmd_of, state_of, trained_on


def train_stage_three(job: Job, out: Path) -> Outcome:
    experiment = job.section("experiment", Experiment)
    pairs_config = job.section("pairs", PairsConfig)
    config = job.section("training", TrainingConfig).seeded(experiment.seed)
    subjects = trained_on(job)
    on_projection = experiment.head == "projection"
    pf = kind_of("pf", job.section("decomposer", Decomposer).density)
    kinds = ("radiograph", pf) if on_projection else ("radiograph",)
    pairs = read_pairs(job.at("pairs"), subjects, kinds, experiment.positionings, target_only=True)
    known = bmd_of(job, job.keys["target"], pairs)
    data = with_values(pairs, pairs.images["radiograph"], known)
    assert experiment.decomposer is not None  # the config model sees to it
    stage_two = job.at("train_stage_two", decomposer=experiment.decomposer)
    state = state_of(job, subjects, stage_two / WEIGHTS)
    common = (pairs_config, config, state)
    if on_projection:
        fit = fit_known_projections(pairs, pf, known)
        trained, backbone, history = regress_on_projection(data, stage_two, fit, *common)
    else:
        tuned = experiment.encoder == "tuned"
        trained, backbone, history = regress(data, stage_two, tuned, *common)
    save_regression(
        out,
        trained,
        config.regression.head,
        backbone,
        pairs_config.size_px,
        job.keys["target"],
        subjects,
    )
    write_history(out, history)
    mark_ended(state)
    return Outcome(
        history_metrics(
            history,
            {
                "backbone": backbone,
                "encoder": experiment.encoder,
                "head": experiment.head,
                "target": job.keys["target"],
            },
        )
    )


if __name__ == "__main__":
    run_job("train_stage_three", train_stage_three)
