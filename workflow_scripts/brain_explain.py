"""Explain the first fold's volume classifiers on held-out cases, against the known site."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from bmdpipe.core.atomic import read_json, write_json
from bmdpipe.core.config.companions import BrainMrConfig
from bmdpipe.core.files import EXPLANATION, STUDY_DATA
from bmdpipe.core.metrics import Metrics
from bmdpipe.explain.volume_study import VolumeCase, explain_volumes
from bmdpipe.pairs.examples import Examples, read_examples
from bmdpipe.pairs.volumes import (
    labels_on_grid,
    network_grid,
    read_atlas_names,
    read_participants,
)
from bmdpipe.training.classify import load_classifier
from workflow_scripts.job import Job, Outcome, run_job
from workflow_scripts.study_cases import FOLD, flat_values, of_each_class


def brain_explain(job: Job, out: Path) -> Outcome:
    config = job.section("study", BrainMrConfig)
    torch.set_num_threads(job.threads)
    folder = Path(config.folder) if config.folder else job.at("study_cohort")
    examples = read_examples(job.at("study_data"))
    chosen = of_each_class(examples.held_out(FOLD), config.explain.cases)
    cases = _cases(folder, chosen, config)
    virtual = bool(read_json(job.at("study_data") / STUDY_DATA)["virtual"])
    result, names = {}, []
    for model in config.models:
        trained = load_classifier(job.at("study_train", model=model, fold=FOLD))
        result[model], drawn = explain_volumes(
            out, trained, cases, read_atlas_names(folder), config, virtual
        )
        names += drawn
    write_json(out / EXPLANATION, {"fold": FOLD, "virtual": virtual, "models": result})
    return Outcome(Metrics(values=flat_values(result), artefacts=(EXPLANATION, *names)))


def _cases(folder: Path, chosen: Examples, config: BrainMrConfig) -> list[VolumeCase]:
    people = {person.subject: person for person in read_participants(folder)}
    grid = network_grid(config.size_vox, config.voxel_mm)
    cases = []
    for row, name in enumerate(chosen.cases):
        person = people[name]
        atlas = None if person.atlas is None else labels_on_grid(grid, person.atlas, name)
        site = None if person.site is None else labels_on_grid(grid, person.site, name) > 0
        label = int(chosen.labels[row])
        inputs = np.ascontiguousarray(chosen.inputs[row])
        cases.append(VolumeCase(name, label, inputs, atlas, site))
    return cases


if __name__ == "__main__":
    run_job("study_explain", brain_explain)
