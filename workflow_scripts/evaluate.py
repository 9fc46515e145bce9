"""Evaluate one experiment on its held-out predictions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bmdpipe.core.atomic import write_json, write_text
from bmdpipe.core.config.evaluation import EvaluationConfig
from bmdpipe.core.files import EVALUATION, INTERVALS, PREDICTED_PROJECTIONS, PREDICTIONS
from bmdpipe.core.metrics import Metrics
from bmdpipe.evaluation.decomposition import evaluate_projections
from bmdpipe.evaluation.experiment import draw_target, evaluate_target
from bmdpipe.evaluation.prediction_intervals import interval_table, intervals_of
from bmdpipe.evaluation.predictions import read_predictions
from workflow_scripts.job import Job, Outcome, run_job


def evaluate(job: Job, out: Path) -> Outcome:
    """Metrics with intervals over subjects, figures, and for a decomposition its image metrics."""
    config = job.section("evaluation", EvaluationConfig)
    folders = [job.at("predict", fold=fold) for fold in range(int(job.config["folds"]))]
    rows = read_predictions(folder / PREDICTIONS for folder in folders)
    result: dict[str, Any] = {
        "experiment": job.keys["experiment"],
        "virtual": bool(job.config["virtual"]),
        "confidence": config.confidence,
        "targets": {},
    }
    artefacts, intervals = [], []
    for target in job.config["targets"]:
        of_target = [row for row in rows if row.target == target]
        intervals.append(intervals_of(of_target, config))
        result["targets"][target] = evaluate_target(of_target, target, config)
        result["targets"][target]["intervals"] = intervals[-1].summary
        artefacts += draw_target(
            out, of_target, target, result["targets"][target], result["virtual"]
        )
    projections = {
        str(fold): path
        for fold, folder in enumerate(folders)
        if (path := folder / PREDICTED_PROJECTIONS).exists()
    }
    if projections:
        subject_of = {row.case: row.subject for row in rows}
        result["images"] = evaluate_projections(projections, subject_of, config)
    write_json(out / EVALUATION, result)
    write_text(out / INTERVALS, interval_table(intervals))
    return Outcome(Metrics(values=_values(result), artefacts=(EVALUATION, INTERVALS, *artefacts)))


def _values(result: dict[str, Any]) -> dict[str, float]:
    """The flat metrics for tracking: `dxa_pcc`, `dxa_projection_pcc`, `image_psnr`, ..."""
    values: dict[str, float] = {}
    for target, found in result["targets"].items():
        groups = {"": found["metrics"], "projection_": found["true_projection"]}
        groups["osteoporosis_"] = found.get("diagnosis", {}).get("metrics", {})
        for prefix, group in groups.items():
            for name, metric in group.items():
                values[f"{target}_{prefix}{name}"] = metric["value"]
        if "coverage" in found["intervals"]:
            values[f"{target}_interval_coverage"] = found["intervals"]["coverage"]["value"]
    images = result.get("images", {})
    for name in ("psnr", "dice"):
        if name in images:
            values[f"image_{name}"] = images[name]["value"]
    for name, metric in images.get("intensity", {}).items():
        values[f"image_intensity_{name}"] = metric["value"]
    return values


if __name__ == "__main__":
    run_job("evaluate", evaluate)
