"""Correlation, error and scatter of every region and target over all splits."""

from __future__ import annotations

from pathlib import Path

from bmdpipe.core.atomic import read_json, write_json
from bmdpipe.core.config.evaluation import EvaluationConfig
from bmdpipe.core.files import EVALUATION, PREDICTIONS, STUDY_DATA
from bmdpipe.core.metrics import Metrics
from bmdpipe.evaluation.value_study import evaluate_values
from workflow_scripts.job import Job, Outcome, run_job


def ct_bmd_evaluate(job: Job, out: Path) -> Outcome:
    described = read_json(job.at("study_data") / STUDY_DATA)
    models = job.config["models"]
    tables = {
        model: [
            job.at("study_train", model=model, fold=fold) / PREDICTIONS
            for fold in range(job.config["folds"])
        ]
        for model in models
    }
    targets = {model: model.rsplit("_", 1)[1] for model in models}
    config = job.section("evaluation", EvaluationConfig)
    result, names = evaluate_values(out, tables, targets, described["virtual"], config)
    write_json(out / EVALUATION, {**described, "models": result})
    values = {
        f"{model}_{name}": entry["value"]
        for model, each in result.items()
        for name, entry in each["metrics"].items()
    }
    return Outcome(Metrics(values=values, artefacts=(EVALUATION, *names)))


if __name__ == "__main__":
    run_job("study_evaluate", ct_bmd_evaluate)
