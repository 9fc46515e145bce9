"""Image metrics of the suppressors, class metrics with and without bones, and the paired tests."""

from __future__ import annotations

from pathlib import Path

from safetensors.numpy import load_file

from bmdpipe.core.atomic import read_json, write_json
from bmdpipe.core.config.evaluation import EvaluationConfig
from bmdpipe.core.files import (
    CLASS_PREDICTIONS,
    EVALUATION,
    IMAGE_TABLE,
    INPUT_TABLE,
    MADE_IMAGES,
    STUDY_DATA,
)
from bmdpipe.core.metrics import Metrics
from bmdpipe.evaluation.class_study import evaluate_models, read_told
from bmdpipe.evaluation.roc_figure import roc_figure
from bmdpipe.evaluation.suppression_study import INPUT, compare, summarise_images
from bmdpipe.explain.sheet import Panel, draw_sheet
from bmdpipe.pairs.chest_cases import PAIRS, TUBERCULOSIS
from bmdpipe.pairs.examples import read_examples
from workflow_scripts.chest_classify import SUPPRESSED
from workflow_scripts.chest_data import CLASSES
from workflow_scripts.chest_suppress_train import TEST_FOLD
from workflow_scripts.job import Job, Outcome, run_job

ORIGINAL, SHEET, ROC, SHOWN = "original", "suppression.png", "roc.png", 3


def chest_evaluate(job: Job, out: Path) -> Outcome:
    described = read_json(job.at("study_data") / STUDY_DATA)
    config = job.section("evaluation", EvaluationConfig)
    suppressors, virtual = job.config["suppressors"], described["virtual"]
    trained = {model: job.at("study_train", model=model, fold=0) for model in suppressors}
    inputs = {INPUT: trained[suppressors[0]] / INPUT_TABLE}
    made = {model: folder / IMAGE_TABLE for model, folder in trained.items()}
    images = summarise_images(inputs | made, config)
    _draw(job, out / SHEET, trained, virtual)
    tables = {
        variant: [
            job.at("study_train", model=variant, fold=fold) / CLASS_PREDICTIONS
            for fold in range(job.config["folds"])
        ]
        for variant in (ORIGINAL, SUPPRESSED)
    }
    classes = CLASSES[TUBERCULOSIS]
    models, names = evaluate_models(out, tables, classes, virtual, config)
    told = {variant: read_told(paths, classes) for variant, paths in tables.items()}
    roc_figure(out / ROC, told, virtual)
    paired = compare(told[ORIGINAL], told[SUPPRESSED])
    result = {**described, "images": images, "models": models, "paired": paired}
    write_json(out / EVALUATION, {**result, "chosen": job.config["chosen"]})
    values = {
        f"{model}_{name}": entry["value"]
        for model, each in images.items()
        if model != INPUT
        for name, entry in each.items()
    }
    values |= {
        f"{variant}_{name}": entry["value"]
        for variant, each in models.items()
        for name, entry in each["metrics"].items()
    }
    values |= {f"input_{name}": entry["value"] for name, entry in images[INPUT].items()}
    for test in ("delong", "mcnemar"):
        if test in paired:
            values[f"{SUPPRESSED}_p_{test}"] = paired[test]["p"]
    return Outcome(Metrics(values=values, artefacts=(EVALUATION, SHEET, ROC, *names)))


def _draw(job: Job, path: Path, trained: dict[str, Path], virtual: bool) -> None:
    tested = read_examples(job.at("study_data") / PAIRS).held_out(TEST_FOLD)
    made = {model: load_file(folder / MADE_IMAGES)["made"] for model, folder in trained.items()}
    rows = [
        [
            Panel("radiograph", tested.inputs[row, 0]),
            Panel("radiograph", tested.inputs[row, 1]),
            *(Panel("radiograph", images[row, 0]) for images in made.values()),
            Panel(
                "component",
                made[job.config["chosen"]][row, 0] - tested.inputs[row, 1],
                "made minus truth",
            ),
        ]
        for row in range(min(SHOWN, len(tested)))
    ]
    titles = ["radiograph", "without bones", *made, f"error of {job.config['chosen']}"]
    draw_sheet(path, titles, rows, list(tested.cases[:SHOWN]), virtual)


if __name__ == "__main__":
    run_job("study_evaluate", chest_evaluate)
