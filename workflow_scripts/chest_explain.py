"""Relevance maps of the first fold's chest classifiers, on originals and on suppressed images."""

from __future__ import annotations

from pathlib import Path

import torch

from bmdpipe.core.atomic import read_json, write_json
from bmdpipe.core.config.bone_suppression import BoneSuppressionConfig
from bmdpipe.core.files import EXPLANATION, STUDY_DATA
from bmdpipe.core.metrics import Metrics
from bmdpipe.explain.chest_study import explain_chests
from bmdpipe.pairs.chest_cases import TUBERCULOSIS
from bmdpipe.pairs.chest_store import read_findings
from bmdpipe.pairs.examples import read_examples
from bmdpipe.training.classify import load_classifier
from workflow_scripts.chest_classify import SUPPRESSED
from workflow_scripts.chest_evaluate import ORIGINAL
from workflow_scripts.job import Job, Outcome, run_job
from workflow_scripts.study_cases import FOLD

MAPS = "maps.png"


def chest_explain(job: Job, out: Path) -> Outcome:
    config = job.section("study", BoneSuppressionConfig)
    torch.set_num_threads(job.threads)
    data = job.at("study_data")
    virtual = bool(read_json(data / STUDY_DATA)["virtual"])
    folders = {ORIGINAL: data, SUPPRESSED: job.at("study_suppress")}
    trained = {
        variant: (
            load_classifier(job.at("study_train", model=variant, fold=FOLD)),
            read_examples(folder / TUBERCULOSIS).held_out(FOLD),
        )
        for variant, folder in folders.items()
    }
    result = explain_chests(
        out / MAPS, trained, read_findings(data), config.explain, config.top_fraction, virtual
    )
    write_json(out / EXPLANATION, {"fold": FOLD, "virtual": virtual, "models": result})
    values = {
        f"{variant}_{method}_{name}": value
        for variant, found in result.items()
        for method, scores in found["methods"].items()
        for name, value in scores.items()
    }
    for variant, found in result.items():
        located = found.get("localisation", {})
        for method, share in located.get("shares", {}).items():
            values[f"{variant}_inside_{method}"] = share
    return Outcome(Metrics(values=values, artefacts=(EXPLANATION, MAPS)))


if __name__ == "__main__":
    run_job("study_explain", chest_explain)
