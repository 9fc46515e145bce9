"""Train a fold's conventional baseline: the region of the radiograph to one BMD value."""

from __future__ import annotations

from pathlib import Path

from bmdpipe.core.config.pairs import PairsConfig
from bmdpipe.core.config.study import Experiment
from bmdpipe.core.config.training import TrainingConfig
from bmdpipe.core.training_state import mark_ended
from bmdpipe.pairs.store import read_pairs
from bmdpipe.training.data import with_values
from bmdpipe.training.history import history_metrics, write_history
from bmdpipe.training.saved import save_conventional
from bmdpipe.training.stages import region_images, regress_regions
from workflow_scripts.job import Job, Outcome, run_job
from workflow_scripts.training_folds import bmd_of, state_of, trained_on


def train_conventional(job: Job, out: Path) -> Outcome:
    experiment = job.section("experiment", Experiment)
    pairs_config = job.section("pairs", PairsConfig)
    config = job.section("training", TrainingConfig).seeded(experiment.seed)
    conventional = config.conventional
    subjects = trained_on(job)
    pairs = read_pairs(
        job.at("pairs"), subjects, ("radiograph", "pf"), experiment.positionings, target_only=True
    )
    regions = region_images(pairs, conventional.region_px, conventional.region_margin)
    data = with_values(pairs, regions, bmd_of(job, job.keys["target"], pairs))
    state = state_of(job, subjects)
    trained, history = regress_regions(data, pairs_config, config, state)
    save_conventional(
        out,
        trained,
        conventional.model,
        conventional.region_px,
        conventional.region_margin,
        job.keys["target"],
        subjects,
    )
    write_history(out, history)
    mark_ended(state)
    return Outcome(
        history_metrics(history, {"model": conventional.model, "target": job.keys["target"]})
    )


if __name__ == "__main__":
    run_job("train_conventional", train_conventional)
