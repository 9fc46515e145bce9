"""A training's history as a table and as curves for tracking."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from bmdpipe.core.atomic import write_text
from bmdpipe.core.epochs import Row
from bmdpipe.core.files import HISTORY
from bmdpipe.core.metrics import Metrics, Scalar


def write_history(folder: Path, history: Sequence[Row]) -> None:
    """Leave history.tsv: one row per epoch, one column per loss."""
    table = pd.DataFrame(list(history))
    if len(table):
        table["epoch"] = table["epoch"].astype(int)
    write_text(Path(folder) / HISTORY, table.to_csv(sep="\t", index=False))


def history_metrics(history: Sequence[Row], params: dict[str, Scalar]) -> Metrics:
    """Each loss as a curve, and its last value."""
    losses = [name for name in (history[-1] if history else {}) if name != "epoch"]
    return Metrics(
        params=params,
        values={name: history[-1][name] for name in losses},
        series={name: [(int(row["epoch"]), row[name]) for row in history] for name in losses},
    )
