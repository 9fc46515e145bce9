"""What the training scripts share: who is trained on, the BMD values, the state to resume."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import torch

from bmdpipe.core.files import FOLDS, PAIRS_OF_SUBJECT
from bmdpipe.core.provenance import file_hash
from bmdpipe.pairs.folds import STAGE_ONE_ONLY, read_folds, training_subjects
from bmdpipe.pairs.store import Pairs
from bmdpipe.training.truth import bmd_of_subject
from workflow_scripts.job import Job


def trained_on(job: Job) -> frozenset[str]:
    """The subjects outside the job's fold, and this job's threads given to torch."""
    torch.set_num_threads(job.threads)
    return training_subjects(read_folds(job.at("folds") / FOLDS), int(job.keys["fold"]))


def stage_one_subjects(job: Job) -> frozenset[str]:
    """Dataset A, which is never tested on, beside the subjects outside the job's fold."""
    return trained_on(job) | frozenset(read_folds(job.at("folds") / FOLDS, STAGE_ONE_ONLY))


def bmd_of(job: Job, target: str, pairs: Pairs) -> dict[str, float | None]:
    """The BMD of the pairs' subjects and of nobody else."""
    return {
        subject: bmd_of_subject(
            "dxa" if target == "dxa" else "qct",
            job.at("import", subject=subject),
            job.at("roi", subject=subject),
        )
        for subject in dict.fromkeys(case.subject for case in pairs.cases)
    }


def state_of(job: Job, subjects: Collection[str], *more: Path) -> Path:
    """The folder for resuming; it changes with the training subjects' images and `more` files."""
    files = [job.at("pairs") / PAIRS_OF_SUBJECT.format(subject=s) for s in sorted(subjects)]
    return job.state(file_hash([*(f for f in files if f.is_file()), *more]))
