"""The held-out cases of a study that classifies: metrics and figures of each of its models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from bmdpipe.core.config.evaluation import EvaluationConfig
from bmdpipe.core.errors import UsageError
from bmdpipe.evaluation.bootstrap import Sample
from bmdpipe.evaluation.class_figures import confusion_figure, reliability_figure
from bmdpipe.evaluation.classification import STATISTICS, confusion, reliability, told_by
from bmdpipe.evaluation.summary import summarise

CONFUSION, RELIABILITY = "confusion_{model}.png", "reliability.png"


def evaluate_models(
    out: Path,
    tables: Mapping[str, Sequence[Path]],
    classes: Sequence[str],
    virtual: bool,
    config: EvaluationConfig,
) -> tuple[dict[str, Any], list[str]]:
    """What each model reaches over all folds together, and the names of the figures written.

    `tables` holds each model's predictions by fold.
    """
    told = {model: read_told(paths, classes) for model, paths in tables.items()}
    result: dict[str, Any] = {}
    names = []
    for model, each in told.items():
        metrics, left_out = summarise(each, "", config, STATISTICS)
        result[model] = {
            "metrics": metrics,
            "left_out": left_out,
            "confusion": confusion(each).tolist(),
        }
        names.append(CONFUSION.format(model=model))
        confusion_figure(out / names[-1], confusion(each), classes, model, virtual)
    reliability_figure(out / RELIABILITY, {m: reliability(t) for m, t in told.items()}, virtual)
    return result, [*names, RELIABILITY]


def read_told(paths: Sequence[Path], classes: Sequence[str]) -> Sample:
    """All folds' predictions; raises UsageError on a case that is told twice."""
    table = pd.concat(
        [pd.read_csv(path, sep="\t", dtype={"case": str, "group": str}) for path in paths]
    )
    repeated = table["case"][table["case"].duplicated()]
    if len(repeated):
        raise UsageError(f"case {repeated.iloc[0]} is predicted twice")
    return told_by(
        table["label"].to_numpy(),
        table[[f"p_{name}" for name in classes]].to_numpy(),
        table["group"].to_numpy().astype(str),
        table["fold"].to_numpy().astype(str),
    )
