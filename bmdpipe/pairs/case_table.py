"""The table that a study's cohort brings: tab-separated text, a row per case, files beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from bmdpipe.core.errors import UsageError


def read_rows(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """The rows as text. The first of the columns that must be there names each case once.

    Raises UsageError on a table that is missing or cannot be used.
    """
    if not path.is_file():
        raise UsageError(f"{path} does not exist: it lists {', '.join(columns)}")
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    lacking = [name for name in columns if name not in table]
    if lacking:
        raise UsageError(f"{path} has no column '{lacking[0]}'")
    key = columns[0]
    repeated = table[key][table[key].duplicated()]
    if len(repeated):
        raise UsageError(f"{path} names {key} {repeated.iloc[0]} twice")
    return [{str(k): str(v) for k, v in row.items()} for row in table.to_dict("records")]


def file_beside(path: Path, row: Mapping[str, str], column: str) -> Path | None:
    """The file that a row names relative to its table; None where it names none."""
    return path.parent / row[column] if row.get(column) else None
