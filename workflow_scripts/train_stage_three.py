"""Train a fold's stage three: the representation to one BMD value."""

from __future__ import annotations

from pathlib import Path

from bmdpipe.core.config.pairs import PairsConfig
from bmdpipe.core.config.study import Experiment
from bmdpipe.core.config.training import TrainingConfig
from bmdpipe.core.files import WEIGHTS
from bmdpipe.pairs.store import read_pairs
from bmdpipe.training.data import with_values
from bmdpipe.training.history import history_metrics, write_history
from bmdpipe.training.saved import save_regression
from bmdpipe.training.stages import regress
from workflow_scripts.job import Job, Outcome, run_job
from workflow_scripts.training_folds import bmd_of, finish, state_of, trained_on


def train_stage_three(job: Job, out: Path) -> Outcome:
    experiment = job.section("experiment", Experiment)
    pairs_config = job.section("pairs", PairsConfig)
    config = job.section("training", TrainingConfig).seeded(experiment.seed)
    subjects = trained_on(job)
    pairs = read_pairs(
        job.at("pairs"), subjects, ("radiograph",), experiment.positionings, target_only=True
    )
    data = with_values(pairs, pairs.images["radiograph"], bmd_of(job, job.keys["target"], pairs))
    assert experiment.decomposer is not None  # the config model sees to it
    stage_two = job.at("train_stage_two", decomposer=experiment.decomposer)
    state = state_of(job, subjects, stage_two / WEIGHTS)
    trained, backbone, history = regress(
        data, stage_two, experiment.encoder == "tuned", pairs_config, config, state
    )
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
    finish(state)
    return Outcome(
        history_metrics(
            history,
            {"backbone": backbone, "encoder": experiment.encoder, "target": job.keys["target"]},
        )
    )


if __name__ == "__main__":
    run_job("train_stage_three", train_stage_three)
