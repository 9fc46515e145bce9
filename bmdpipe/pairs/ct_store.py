"""The views of all cases on disk, with their values and the subjects that each split holds out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file

from bmdpipe.core.atomic import atomic_path, read_json, write_json, write_text
from bmdpipe.core.config.ct_bmd import Region
from bmdpipe.core.files import CT_CASES, CT_VIEWS, SPLITS
from bmdpipe.core.names import Target
from bmdpipe.pairs.ct_cases import VALUE_COLUMN, CtCase
from bmdpipe.pairs.examples import Examples

Views = Mapping[Region, Sequence[NDArray[np.float32]]]
"""Per region the slices `[slices, y, x]` of each case."""


def write_ct_views(
    folder: Path, cases: Sequence[CtCase], views: Views, splits: Sequence[Sequence[str]]
) -> None:
    rows = [
        {"case": each.case, "subject": each.subject}
        | {VALUE_COLUMN[target]: value for target, value in each.values.items()}
        for each in cases
    ]
    write_text(folder / CT_CASES, pd.DataFrame(rows).to_csv(sep="\t", index=False))
    write_json(folder / SPLITS, [list(held) for held in splits])
    with atomic_path(folder / CT_VIEWS) as part:
        save_file({region: np.stack(list(images)) for region, images in views.items()}, part)


def read_ct_views(folder: Path, region: Region, target: Target, split: int) -> Examples:
    """The cases with this value; fold 0 is what the split holds out, fold 1 the rest."""
    kinds: dict[str, type] = {"case": str, "subject": str}
    table = pd.read_csv(Path(folder) / CT_CASES, sep="\t", dtype=kinds)
    values = table[VALUE_COLUMN[target]].to_numpy(np.float64)
    with safe_open(str(Path(folder) / CT_VIEWS), framework="numpy") as stream:
        inputs = stream.get_tensor(region)
    held = table["subject"].isin(read_json(Path(folder) / SPLITS)[split]).to_numpy()
    every = Examples(
        tuple(table["case"]), tuple(table["subject"]), inputs, values, np.where(held, 0, 1)
    )
    return every.where(np.isfinite(values))
