"""Folds of cross-validation: by subject, stratified by BMD, in a table that a user may edit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from bmdpipe.core.atomic import write_text
from bmdpipe.core.errors import UsageError

Folds = Mapping[str, int]
"""The fold of each subject, counted from 0."""
COLUMNS = ("subject", "fold", "dataset")
STAGE_ONE_ONLY, EVERY_STAGE = "A", "B"
"""Datasets: subjects that only the first stage of training sees, and the rest (Gu 2023 §3.1)."""


def deal_rest(subjects: Collection[str], n_folds: int, seed: int) -> dict[str, int]:
    """Deal subjects of dataset A, whose fold only says which segmentation leaves them out."""
    order = np.random.default_rng([seed, 1]).permutation(sorted(subjects))
    return {str(name): k % n_folds for k, name in enumerate(order)}


def deal_folds(bmd_of: Mapping[str, float | None], n_folds: int, seed: int) -> dict[str, int]:
    """Deal subjects to folds so that every fold spans the whole range of BMD.

    Subjects are ordered by BMD and each run of `n_folds` of them is dealt in random order; subjects
    without a BMD are dealt last, in random order too. Fold sizes differ by one at most.
    Raises UsageError if a fold would have fewer than two subjects.
    """
    if len(bmd_of) < 2 * n_folds:
        raise UsageError(
            f"{len(bmd_of)} usable subjects are too few for {n_folds} folds of at least two: lower "
            f"folds.n_folds to {max(len(bmd_of) // 2, 0)} or add subjects"
        )
    rng = np.random.default_rng(seed)
    known = sorted((value, name) for name, value in bmd_of.items() if value is not None)
    unknown = sorted(name for name, value in bmd_of.items() if value is None)
    order = [name for _, name in known] + [unknown[i] for i in rng.permutation(len(unknown))]
    folds: dict[str, int] = {}
    for start in range(0, len(order), n_folds):
        block = order[start : start + n_folds]
        folds.update(zip(block, (int(f) for f in rng.permutation(n_folds)), strict=False))
    return folds


def write_folds(path: Path, folds: Folds, rest: Folds | None = None) -> None:
    """A table of the folds; the subjects in `rest` are marked as dataset A."""
    rows = sorted((fold, name, EVERY_STAGE) for name, fold in folds.items())
    rows += sorted((fold, name, STAGE_ONE_ONLY) for name, fold in (rest or {}).items())
    table = pd.DataFrame(rows, columns=["fold", "subject", "dataset"])
    write_text(path, table[[*COLUMNS]].to_csv(sep="\t", index=False))


def read_folds(path: Path, dataset: str = EVERY_STAGE) -> dict[str, int]:
    """The folds of one dataset's subjects; a table without that column holds dataset B.

    Raises UsageError where a subject would leak or a fold is empty.
    """
    if not Path(path).is_file():
        raise UsageError(f"{path} does not exist")
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    if list(table.columns) not in ([*COLUMNS], [*COLUMNS[:2]]):
        raise UsageError(
            f"{path} needs the columns 'subject' and 'fold', not {list(table.columns)}"
        )
    if "dataset" not in table:
        table["dataset"] = EVERY_STAGE
    repeated = sorted(name for name, n in Counter(table["subject"]).items() if n > 1)
    if repeated:
        raise UsageError(f"{path} names subjects more than once, which would leak: {repeated[:5]}")
    bad = sorted({text for text in table["fold"] if not text.isdigit()})
    if bad:
        raise UsageError(f"{path} has folds that are no numbers from 0 on: {bad[:5]}")
    table = table[table["dataset"] == dataset]
    return {s: int(f) for s, f in zip(table["subject"], table["fold"], strict=True)}


def check_folds(folds: Folds, subjects: Collection[str], n_folds: int, source: str) -> None:
    """Raise UsageError unless every usable subject has a fold and each fold has two or more."""
    missing = sorted(set(subjects) - set(folds))
    if missing:
        raise UsageError(f"{source} gives no fold to {len(missing)} subjects, {missing[:5]} first")
    beyond = sorted({fold for fold in folds.values() if fold >= n_folds})
    if beyond:
        raise UsageError(f"{source} has the folds {beyond} but folds.n_folds is {n_folds}")
    sizes = Counter(folds[subject] for subject in subjects)
    small = [fold for fold in range(n_folds) if sizes[fold] < 2]
    if small:
        raise UsageError(
            f"{source}: fold {small[0]} has {sizes[small[0]]} usable subjects and needs two: "
            "move subjects into it or lower folds.n_folds"
        )


def training_subjects(folds: Folds, fold: int) -> frozenset[str]:
    """Everybody outside the fold; raises UsageError if the fold or its complement is empty."""
    inside = held_out_subjects(folds, fold)
    outside = frozenset(folds) - inside
    if not outside:
        raise UsageError(f"fold {fold} holds every subject: nobody is left to train on")
    return outside


def held_out_subjects(folds: Folds, fold: int) -> frozenset[str]:
    """The subjects of one fold; raises UsageError if it is empty."""
    inside = frozenset(subject for subject, of in folds.items() if of == fold)
    if not inside:
        raise UsageError(f"fold {fold} is empty")
    return inside
