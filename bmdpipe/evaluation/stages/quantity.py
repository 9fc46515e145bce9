"""What is measured of a stage, and its summary over the subjects that the stage did not refuse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Better = Literal["low", "high", "zero"]
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Quantity:
    """A column of a stage's rows. `better` says which end is good; errors around zero keep their
    sign in the rows and are summarised by their size."""

    key: str
    label: str
    unit: str
    better: Better = "low"


def summarise_quantity(rows: Sequence[Row], quantity: Quantity) -> dict[str, Any]:
    """Median, quartiles, worst value and its subject over the rows that have the quantity; `n` only
    if none has it."""
    found = [(float(row[quantity.key]), row["subject"]) for row in rows if quantity.key in row]
    base = {"label": quantity.label, "unit": quantity.unit, "n": len(found)}
    if not found:
        return base
    values = np.array([value for value, _ in found])
    if quantity.better == "zero":
        values = np.abs(values)
        base["signed_median"] = float(np.median([value for value, _ in found]))
    worst = int(np.argmin(values) if quantity.better == "high" else np.argmax(values))
    q1, median, q3 = np.quantile(values, [0.25, 0.5, 0.75])
    return base | {
        "median": float(median),
        "q1": float(q1),
        "q3": float(q3),
        "mean": float(values.mean()),
        "worst": float(values[worst]),
        "worst_subject": found[worst][1],
    }
