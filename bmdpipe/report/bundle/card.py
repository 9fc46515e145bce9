"""The model card of a bundle: what it is for, what it was trained on, how good and how limited."""

from __future__ import annotations

from typing import Any

from bmdpipe.report.bundle.files import Bundle
from bmdpipe.report.bundle.sources import Sources
from bmdpipe.report.numbers import unit_text
from bmdpipe.report.results_table import METHODS, TARGETS, results_tables
from bmdpipe.report.templating import render

TEMPLATE = "model_card.md"


def model_card(bundle: Bundle, sources: Sources) -> str:
    """Markdown after Mitchell et al. 2019 (model cards for model reporting, FAT* 2019)."""
    evaluation = {"method": bundle.method, "targets": sources.evaluation["targets"]}
    tables = results_tables({bundle.experiment: evaluation})
    return render(
        TEMPLATE,
        bundle=bundle,
        method=METHODS[bundle.method],
        targets=[_target(name, bundle) for name in bundle.targets],
        tables=tables,
        confidence=sources.evaluation["confidence"],
        by_positioning=_by_positioning(sources.evaluation),
        decomposer=sources.decomposer,
        quarantined=len(sources.summary.get("quarantined", ())),
    )


def _target(name: str, bundle: Bundle) -> dict[str, Any]:
    limits = bundle.targets[name]
    return {
        "title": TARGETS.get(name, name),
        "unit": unit_text(limits.unit),
        "limits": limits,
    }


def _by_positioning(evaluation: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows of target, positioning, PCC with its interval, in the evaluation's order."""
    rows = []
    for target, result in evaluation["targets"].items():
        for positioning, metrics in result["by_positioning"].items():
            if "pcc" in metrics:
                rows.append(
                    {"target": TARGETS.get(target, target), "positioning": positioning}
                    | {key: metrics["pcc"].get(key) for key in ("value", "ci_low", "ci_high", "n")}
                )
    return rows
