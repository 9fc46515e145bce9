"""What a finished run left of one experiment, as far as a bundle needs it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bmdpipe.core.atomic import read_json
from bmdpipe.core.config.evaluation import EvaluationConfig
from bmdpipe.core.config.imaging import ImagingConfig
from bmdpipe.core.config.pairs import PairsConfig
from bmdpipe.core.config.study import Decomposer, Experiment
from bmdpipe.core.errors import UsageError
from bmdpipe.core.files import EVALUATION, MANIFEST, MODEL, PREDICTIONS
from bmdpipe.core.layout import Layout
from bmdpipe.evaluation.predictions import Prediction, read_predictions


@dataclass(frozen=True)
class Sources:
    """One experiment of a cohort: its config as its jobs' manifests hold it, and its results.

    `trained_on` are the subjects that each fold's stage two was trained on.
    """

    layout: Layout
    experiment: str
    plan: Experiment
    decomposer: Decomposer
    targets: tuple[str, ...]
    folds: tuple[int, ...]
    pairs: PairsConfig
    imaging: ImagingConfig
    evaluation_config: EvaluationConfig
    evaluation: dict[str, Any]
    summary: dict[str, Any]
    predictions: tuple[Prediction, ...]
    trained_on: tuple[frozenset[str], ...]

    def at(self, stage: str, **keys: str | int) -> Path:
        return Path(self.layout.at(stage, **keys))

    def stage_two(self, fold: int) -> Path:
        return self.at("train_stage_two", decomposer=str(self.plan.decomposer), fold=fold)

    def stage_three(self, fold: int, target: str) -> Path:
        return self.at("train_stage_three", experiment=self.experiment, target=target, fold=fold)


def find_sources(results: Path, cohort: str, experiment: str) -> Sources:
    """Raises UsageError where the experiment is not there, has not finished, or has no models that
    a plain radiograph could be given to."""
    layout = Layout(str(results), cohort)
    first = Path(layout.at("predict", experiment=experiment, fold=0))
    if not first.is_dir():
        others = sorted(path.name for path in first.parent.parent.glob("*") if path.is_dir())
        known = f"; there are: {', '.join(others)}" if others else ""
        raise UsageError(
            f"no predictions of experiment '{experiment}' of cohort '{cohort}' in {results}{known}"
        )
    config = _json(first / MANIFEST)["config"]
    plan = Experiment.model_validate(config["experiment"])
    if plan.decomposer is None:
        raise UsageError(
            f"experiment '{experiment}' is a conventional one: its region is cut about the "
            "proximal femur that CT was registered to, and a plain radiograph has none"
        )
    evaluated = Path(layout.at("evaluate", experiment=experiment))
    judged = _json(evaluated / MANIFEST)["config"]
    folds = tuple(range(int(judged["folds"])))
    two = [
        Path(layout.at("train_stage_two", decomposer=plan.decomposer, fold=fold)) for fold in folds
    ]
    trained = _json(two[0] / MANIFEST)["config"]
    tables = [
        Path(layout.at("predict", experiment=experiment, fold=f)) / PREDICTIONS for f in folds
    ]
    predictions = tuple(read_predictions(tables))
    subject = predictions[0].subject
    imported = _json(Path(layout.at("import", subject=subject)) / MANIFEST)["config"]
    return Sources(
        layout=layout,
        experiment=experiment,
        plan=plan,
        decomposer=Decomposer.model_validate(trained["decomposer"]),
        targets=tuple(config["targets"]),
        folds=folds,
        pairs=PairsConfig.model_validate(trained["pairs"]),
        imaging=ImagingConfig.model_validate(imported["imaging"]),
        evaluation_config=EvaluationConfig.model_validate(judged["evaluation"]),
        evaluation=_json(evaluated / EVALUATION),
        summary=_json(Path(layout.summary)),
        predictions=predictions,
        trained_on=tuple(frozenset(_json(folder / MODEL)["subjects"]) for folder in two),
    )


def _json(path: Path) -> Any:
    if not path.is_file():
        raise UsageError(f"{path} is missing: run the workflow to its end first")
    return read_json(path)
