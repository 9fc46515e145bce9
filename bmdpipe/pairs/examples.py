"""Labelled images or volumes of a study on disk, with the groups that its folds keep together."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from bmdpipe.core.atomic import atomic_path, write_text
from bmdpipe.core.errors import UsageError
from bmdpipe.core.files import EXAMPLE_INDEX, EXAMPLES

COLUMNS = ("case", "group", "label", "fold")


@dataclass(frozen=True)
class Examples:
    """`inputs` `[n, c, ...]`; `group` is what may not be split (a subject, near duplicates);
    `labels` are classes or values `[n]`; `folds` `[n]` count from 0."""

    cases: tuple[str, ...]
    groups: tuple[str, ...]
    inputs: NDArray[np.float32]
    labels: NDArray[np.float64]
    folds: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.cases)

    def where(self, mask: NDArray[np.bool_]) -> Examples:
        rows = np.flatnonzero(mask)
        return Examples(
            tuple(self.cases[i] for i in rows),
            tuple(self.groups[i] for i in rows),
            self.inputs[rows],
            self.labels[rows],
            self.folds[rows],
        )

    def training(self, fold: int) -> Examples:
        return self.where(self.folds != fold)

    def held_out(self, fold: int) -> Examples:
        return self.where(self.folds == fold)


def write_examples(folder: Path, examples: Examples) -> None:
    """Raises UsageError if a group stands in two folds: its cases would not be held out."""
    check_groups(examples.groups, examples.folds)
    rows = zip(examples.cases, examples.groups, examples.labels, examples.folds, strict=True)
    table = pd.DataFrame(list(rows), columns=list(COLUMNS))
    write_text(Path(folder) / EXAMPLE_INDEX, table.to_csv(sep="\t", index=False))
    with atomic_path(Path(folder) / EXAMPLES) as part:
        save_file({"inputs": np.ascontiguousarray(examples.inputs, np.float32)}, part)


def read_examples(folder: Path) -> Examples:
    table = pd.read_csv(Path(folder) / EXAMPLE_INDEX, sep="\t", dtype={"case": str, "group": str})
    folds = table["fold"].to_numpy(np.int64)
    groups = tuple(table["group"])
    check_groups(groups, folds)
    return Examples(
        tuple(table["case"]),
        groups,
        load_file(Path(folder) / EXAMPLES)["inputs"],
        table["label"].to_numpy(np.float64),
        folds,
    )


def check_groups(groups: Collection[str], folds: NDArray[np.int64]) -> None:
    of: dict[str, int] = {}
    for group, fold in zip(groups, folds.tolist(), strict=True):
        if of.setdefault(group, fold) != fold:
            raise UsageError(f"group {group} stands in two folds, which would leak")
