"""The evaluation of one experiment: the metrics and figures of every target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bmdpipe.core.config.evaluation import EvaluationConfig
from bmdpipe.evaluation.diagnosis import describe_reference, diagnostic_statistics
from bmdpipe.evaluation.plots import bland_altman_figure, scatter
from bmdpipe.evaluation.positionings import compare_positionings
from bmdpipe.evaluation.predictions import UNITS, Prediction, sample_of
from bmdpipe.evaluation.summary import STATISTICS, summarise, summarise_limits

BY_POSITIONING = {"pcc": STATISTICS["pcc"]}


def evaluate_target(
    rows: Sequence[Prediction], target: str, config: EvaluationConfig
) -> dict[str, Any]:
    """Metrics of the prediction and, beside it, of the true projection."""
    unit = UNITS[target]
    sample = sample_of(rows)
    metrics, left_out = summarise(sample, unit, config)
    projection, projection_left_out = summarise(sample_of(rows, "bmd_projection"), unit, config)
    by_positioning: dict[str, dict[str, Any]] = {}
    for positioning in sorted({row.positioning for row in rows}):
        part = sample_of([row for row in rows if row.positioning == positioning])
        found, reasons = summarise(part, unit, config, BY_POSITIONING)
        by_positioning[positioning] = found | ({"left_out": reasons} if reasons else {})
    result: dict[str, Any] = {
        "unit": unit,
        "n_cases": len(sample),
        "n_subjects": sample.n_subjects,
        "n_without_value": len(rows) - len(sample),
        "metrics": metrics,
        "left_out": left_out,
        "true_projection": projection,
        "true_projection_left_out": projection_left_out,
        "by_positioning": by_positioning,
        "between_positionings": compare_positionings(rows, config.confidence),
        "bland_altman": summarise_limits(sample, unit, config),
        "n_flagged": sum(bool(row.flags) for row in rows),
    }
    if target == "dxa":
        statistics = diagnostic_statistics(config.osteoporosis_reference)
        found, reasons = summarise(sample, "", config, statistics)
        result["diagnosis"] = {
            "reference": describe_reference(config.osteoporosis_reference),
            "metrics": found,
            "left_out": reasons,
        }
    return result


def draw_target(
    folder: Path,
    rows: Sequence[Prediction],
    target: str,
    result: Mapping[str, Any],
    virtual: bool,
) -> list[str]:
    """Write the target's figures into a folder and return their file names; none without cases."""
    kept = [row for row in rows if row.bmd_true is not None and row.bmd_pred is not None]
    if not kept:
        return []
    sample = sample_of(kept)
    positioning = [row.positioning for row in kept]
    names = [f"scatter_{target}.png"]
    scatter(
        folder / names[0],
        sample.truth,
        sample.estimate,
        positioning,
        target,
        UNITS[target],
        result["metrics"],
        virtual,
    )
    if result["bland_altman"]:
        names.append(f"bland_altman_{target}.png")
        bland_altman_figure(
            folder / names[1],
            sample.truth,
            sample.estimate,
            [row.subject for row in kept],
            positioning,
            target,
            UNITS[target],
            result["bland_altman"],
            virtual,
        )
    return names
