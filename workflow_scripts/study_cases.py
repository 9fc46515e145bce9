"""What the companion studies' explanations share: which cases, and their numbers for tracking."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bmdpipe.pairs.examples import Examples

FOLD = 0


def of_each_class(examples: Examples, count: int) -> Examples:
    """So many cases, of each class about as many, the last class first; in the table's order."""
    kinds = sorted(set(examples.labels.tolist()), reverse=True)
    by_kind = [np.flatnonzero(examples.labels == kind) for kind in kinds]
    turns = [rows[k] for k in range(len(examples)) for rows in by_kind if k < len(rows)]
    mask = np.zeros(len(examples), bool)
    mask[turns[:count]] = True
    return examples.where(mask)


def flat_values(result: Mapping[str, Any]) -> dict[str, float]:
    """`volume_cnn_lrp_deletion_gain`, `volume_cnn_inside_summary_score`, ... of explanations."""
    values: dict[str, float] = {}
    for model, found in result.items():
        for method, scores in found["methods"].items():
            values |= {f"{model}_{method}_{name}": value for name, value in scores.items()}
        for name, value in found.get("consistency", {}).items():
            values[f"{model}_consistency_{name}"] = value
        located = found.get("localisation")
        if located:
            for method, value in located["shares"].items():
                values[f"{model}_inside_{method}"] = value
            values[f"{model}_inside_chance"] = located["chance"]
            values[f"{model}_inside_shuffled"] = float(np.mean(located["shuffled"]))
    return values
