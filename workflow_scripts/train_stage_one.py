"""Train a fold's stage one: radiograph to the density projection of pelvis and femora."""

from __future__ import annotations

from pathlib import Path

from bmdpipe.core.config.pairs import PairsConfig
from bmdpipe.core.config.study import Decomposer
from bmdpipe.core.config.training import TrainingConfig
from bmdpipe.core.training_state import mark_ended
from bmdpipe.pairs.store import kind_of, read_pairs
from bmdpipe.training.history import history_metrics, write_history
from bmdpipe.training.pretrained import pretrained_files
from bmdpipe.training.saved import save_decomposition
from bmdpipe.training.stages import decompose
from workflow_scripts.job import Job, Outcome, run_job
from workflow_scripts.training_folds import stage_one_subjects, state_of


def train_stage_one(job: Job, out: Path) -> Outcome:
    decomposer = job.section("decomposer", Decomposer)
    pairs_config = job.section("pairs", PairsConfig)
    config = job.section("training", TrainingConfig).seeded(decomposer.seed)
    subjects = stage_one_subjects(job)
    kind = kind_of("bones", decomposer.density)
    pairs = read_pairs(job.at("pairs"), subjects, ("radiograph", kind), decomposer.positionings)
    state = state_of(job, subjects, *pretrained_files(decomposer))
    trained, discriminator, history = decompose(
        "stage_one",
        pairs,
        kind,
        decomposer.stage_one_epochs,
        decomposer,
        pairs_config,
        config,
        state,
    )
    save_decomposition(out, trained, discriminator, kind, subjects)
    write_history(out, history)
    mark_ended(state)
    return Outcome(
        history_metrics(history, {"backbone": decomposer.backbone, "images": len(pairs)})
    )


if __name__ == "__main__":
    run_job("train_stage_one", train_stage_one)
