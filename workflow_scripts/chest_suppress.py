"""Suppress the bones of the radiographs that are to be classified."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from bmdpipe.core.atomic import read_json
from bmdpipe.core.errors import UsageError
from bmdpipe.core.files import MODEL
from bmdpipe.core.metrics import Metrics
from bmdpipe.pairs.chest_cases import TUBERCULOSIS
from bmdpipe.pairs.examples import read_examples, write_examples
from bmdpipe.training.suppression import load_suppressor
from workflow_scripts.job import Job, Outcome, run_job


def chest_suppress(job: Job, out: Path) -> Outcome:
    torch.set_num_threads(job.threads)
    examples = read_examples(job.at("study_data") / TUBERCULOSIS)
    folder = job.at("study_train", model=job.config["chosen"], fold=0)
    known = set(read_json(folder / MODEL)["trained_on"]) & set(examples.groups)
    if known:
        raise UsageError(f"{len(known)} subjects to classify have trained the suppressor")
    made = load_suppressor(folder).suppressed(torch.from_numpy(examples.inputs)).numpy()
    write_examples(out / TUBERCULOSIS, replace(examples, inputs=made))
    return Outcome(Metrics(params={"suppressor": job.config["chosen"], "cases": len(examples)}))


if __name__ == "__main__":
    run_job("study_suppress", chest_suppress)
