"""The held-out estimates of a study that regresses a value: metrics and scatter of each model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bmdpipe.core.config.evaluation import EvaluationConfig
from bmdpipe.evaluation.bootstrap import Sample
from bmdpipe.evaluation.plots import scatter
from bmdpipe.evaluation.predictions import UNITS
from bmdpipe.evaluation.summary import STATISTICS, summarise

SCATTER = "scatter_{model}.png"
SHOWN = ("pcc", "icc_a1", "mae", "see", "bias")


def evaluate_values(
    out: Path,
    tables: Mapping[str, Sequence[Path]],
    targets: Mapping[str, str],
    virtual: bool,
    config: EvaluationConfig,
) -> tuple[dict[str, Any], list[str]]:
    """What each model reaches over all splits, and the names of the figures written.

    `tables` holds each model's estimates by split, `targets` each model's target. A subject that
    several independent splits hold out is drawn as one in the bootstrap.
    """
    result: dict[str, Any] = {}
    names = []
    for model, paths in tables.items():
        target = targets[model]
        sample = read_estimates(paths)
        statistics = {name: STATISTICS[name] for name in SHOWN}
        metrics, left_out = summarise(sample, UNITS[target], config, statistics)
        result[model] = {"target": target, "metrics": metrics, "left_out": left_out}
        names.append(SCATTER.format(model=model))
        region = model.removesuffix(f"_{target}")
        kinds = [region] * len(sample)
        scatter(
            out / names[-1],
            sample.truth,
            sample.estimate,
            kinds,
            target,
            UNITS[target],
            metrics,
            virtual,
        )
    return result, names


def read_estimates(paths: Sequence[Path]) -> Sample:
    kinds: dict[str, type] = {"case": str, "subject": str, "fold": str}
    table = pd.concat([pd.read_csv(path, sep="\t", dtype=kinds) for path in paths])
    return Sample(
        table["bmd_true"].to_numpy(np.float64),
        table["bmd_pred"].to_numpy(np.float64),
        table["subject"].to_numpy().astype(str),
        table["fold"].to_numpy().astype(str),
    )
