"""Explain the first fold's picture classifiers on held-out pictures."""

from __future__ import annotations

from pathlib import Path

import torch

from bmdpipe.core.atomic import read_json, write_json
from bmdpipe.core.config.companions import TumourConfig
from bmdpipe.core.files import EXPLANATION, STUDY_DATA
from bmdpipe.core.metrics import Metrics
from bmdpipe.explain.picture_study import explain_pictures
from bmdpipe.pairs.examples import read_examples
from bmdpipe.training.classify import load_classifier
from workflow_scripts.job import Job, Outcome, run_job
from workflow_scripts.study_cases import FOLD, flat_values, of_each_class


def tumour_explain(job: Job, out: Path) -> Outcome:
    config = job.section("study", TumourConfig)
    torch.set_num_threads(job.threads)
    data = job.at("study_data")
    cases = of_each_class(read_examples(data).held_out(FOLD), config.explain.cases)
    virtual = bool(read_json(data / STUDY_DATA)["virtual"])
    result, names = {}, []
    for model in config.models:
        trained = load_classifier(job.at("study_train", model=model, fold=FOLD))
        names.append(f"maps_{model}.png")
        result[model] = explain_pictures(out / names[-1], trained, cases, config.explain, virtual)
    write_json(out / EXPLANATION, {"fold": FOLD, "virtual": virtual, "models": result})
    return Outcome(Metrics(values=flat_values(result), artefacts=(EXPLANATION, *names)))


if __name__ == "__main__":
    run_job("study_explain", tumour_explain)
