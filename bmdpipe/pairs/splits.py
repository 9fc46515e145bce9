"""Held-out subjects of a study: folds, or independent random splits."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bmdpipe.core.config.ct_bmd import SplitsConfig
from bmdpipe.core.errors import UsageError
from bmdpipe.pairs.folds import deal_folds

LEAST = 3
"""Held-out subjects with fewer of which no correlation can be told."""


def deal_splits(bmd_of: Mapping[str, float | None], config: SplitsConfig) -> list[list[str]]:
    """The held-out subjects of each split, in order of their names.

    Random splits of one deal are independent of each other: a subject may be held out by several.
    Raises UsageError if a split would hold out or leave fewer than three subjects.
    """
    names = sorted(bmd_of)
    if config.kind == "folds":
        folds = deal_folds(bmd_of, config.n, config.seed)
        splits = [[name for name in names if folds[name] == k] for k in range(config.n)]
    else:
        count = round(config.held_out * len(names))
        random = np.random.default_rng(config.seed)
        splits = [
            sorted(names[i] for i in random.permutation(len(names))[:count])
            for _ in range(config.n)
        ]
    if any(min(len(held), len(names) - len(held)) < LEAST for held in splits):
        raise UsageError(f"{len(names)} subjects are too few for such splits")
    return splits
