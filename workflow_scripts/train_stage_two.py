"""Train a fold's stage two: radiograph to the density projection of the proximal femur."""

from __future__ import annotations

from pathlib import Path

from bmdpipe.core.config.pairs import PairsConfig
from bmdpipe.core.config.study import Decomposer
from bmdpipe.core.config.training import TrainingConfig
from bmdpipe.core.files import DISCRIMINATORS, WEIGHTS
from bmdpipe.core.training_state import mark_ended
from bmdpipe.pairs.store import kind_of, read_pairs
from bmdpipe.training.history import history_metrics, write_history
from bmdpipe.training.pretrained import pretrained_files
from bmdpipe.training.saved import save_decomposition
from bmdpipe.training.stages import decompose
from workflow_scripts.job import Job, Outcome, run_job
from workflow_scripts.training_folds import state_of, trained_on


def train_stage_two(job: Job, out: Path) -> Outcome:
    decomposer = job.section("decomposer", Decomposer)
    pairs_config = job.section("pairs", PairsConfig)
    config = job.section("training", TrainingConfig).seeded(decomposer.seed)
    subjects = trained_on(job)
    kind = kind_of("pf", decomposer.density)
    pairs = read_pairs(
        job.at("pairs"), subjects, ("radiograph", kind), decomposer.positionings, target_only=True
    )
    before = job.at("train_stage_one") if decomposer.hierarchical else None
    start = pretrained_files(decomposer)
    if before is not None:
        start = [before / WEIGHTS, before / DISCRIMINATORS]
    state = state_of(job, subjects, *start)
    trained, discriminator, history = decompose(
        "stage_two",
        pairs,
        kind,
        decomposer.stage_two_epochs,
        decomposer,
        pairs_config,
        config,
        state,
        before,
    )
    save_decomposition(out, trained, discriminator, kind, subjects)
    write_history(out, history)
    mark_ended(state)
    return Outcome(
        history_metrics(
            history,
            {
                "backbone": decomposer.backbone,
                "hierarchical": decomposer.hierarchical,
                "images": len(pairs),
            },
        )
    )


if __name__ == "__main__":
    run_job("train_stage_two", train_stage_two)
