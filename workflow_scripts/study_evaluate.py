"""Metrics and figures of a companion study's held-out cases, model by model."""

from __future__ import annotations

from pathlib import Path

from bmdpipe.core.atomic import read_json, write_json
from bmdpipe.core.config.evaluation import EvaluationConfig
from bmdpipe.core.files import CLASS_PREDICTIONS, EVALUATION, STUDY_DATA
from bmdpipe.core.metrics import Metrics
from bmdpipe.evaluation.class_study import evaluate_models
from workflow_scripts.job import Job, Outcome, run_job


def study_evaluate(job: Job, out: Path) -> Outcome:
    described = read_json(job.at("study_data") / STUDY_DATA)
    tables = {
        model: [
            job.at("study_train", model=model, fold=fold) / CLASS_PREDICTIONS
            for fold in range(job.config["folds"])
        ]
        for model in job.config["models"]
    }
    config = job.section("evaluation", EvaluationConfig)
    models, names = evaluate_models(out, tables, described["classes"], described["virtual"], config)
    write_json(out / EVALUATION, {**described, "models": models})
    values = {
        f"{model}_{name}": entry["value"]
        for model, result in models.items()
        for name, entry in result["metrics"].items()
    }
    return Outcome(Metrics(values=values, artefacts=(EVALUATION, *names)))


if __name__ == "__main__":
    run_job("study_evaluate", study_evaluate)
