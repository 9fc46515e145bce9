"""Explain the first split's networks on held-out vertebrae."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from bmdpipe.core.atomic import read_json, write_json
from bmdpipe.core.config.ct_bmd import CtBmdConfig
from bmdpipe.core.files import EXPLANATION, STUDY_DATA
from bmdpipe.core.metrics import Metrics
from bmdpipe.explain.value_study import explain_values
from bmdpipe.pairs.ct_store import read_ct_views
from bmdpipe.training.value_network import load_estimator
from workflow_scripts.job import Job, Outcome, run_job
from workflow_scripts.study_cases import FOLD, flat_values


def ct_bmd_explain(job: Job, out: Path) -> Outcome:
    config = job.section("study", CtBmdConfig)
    torch.set_num_threads(job.threads)
    data = job.at("study_data")
    virtual = bool(read_json(data / STUDY_DATA)["virtual"])
    result, names = {}, []
    for region in config.regions:
        for target in config.targets:
            model = f"{region}_{target}"
            trained = load_estimator(job.at("study_train", model=model, fold=FOLD))
            held = read_ct_views(data, region, target, FOLD).held_out(0)
            # From the lowest to the highest value, evenly.
            order = np.argsort(held.labels, kind="stable")
            count = min(config.explain.cases, len(held))
            chosen = np.zeros(len(held), bool)
            chosen[order[np.linspace(0, len(held) - 1, count).round().astype(int)]] = True
            names.append(f"maps_{model}.png")
            result[model] = explain_values(
                out / names[-1], trained, held.where(chosen), config.explain, virtual
            )
    write_json(out / EXPLANATION, {"fold": FOLD, "virtual": virtual, "models": result})
    return Outcome(Metrics(values=flat_values(result), artefacts=(EXPLANATION, *names)))


if __name__ == "__main__":
    run_job("study_explain", ct_bmd_explain)
