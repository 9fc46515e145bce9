"""The chest cohort as a table, with what each case serves for."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from bmdpipe.core.atomic import write_text
from bmdpipe.core.config.virtual.chest import ChestConfig
from bmdpipe.core.errors import UsageError
from bmdpipe.core.files import CHEST_CASES
from bmdpipe.virtual.chest.cohort import chest_cases
from bmdpipe.virtual.chest.simulate import TRUE_FINDINGS


def write_chest_table(folder: Path, config: ChestConfig, pairs: int, pretraining: int) -> None:
    """The first cases serve suppression, the next ones pretraining, the rest classification, so
    that nobody serves two of them. Raises UsageError if nobody is left."""
    if pairs + pretraining >= config.n_cases:
        raise UsageError(
            f"chest.n_cases is {config.n_cases}, of which bone_suppression takes {pairs} pairs and "
            f"{pretraining} cases for pretraining: nobody is left to classify"
        )
    rows = []
    for number, row in enumerate(chest_cases(config)):
        case = row["case"]
        purpose = "pairs" if number < pairs else "tuberculosis"
        if pairs <= number < pairs + pretraining:
            purpose = "pretraining"
        rows.append(
            {
                "case": case,
                "subject": case,
                "purpose": purpose,
                "label": row["tuberculosis"],
                "radiograph": f"{case}/{row['radiograph']}",
                "suppressed": f"{case}/{row['suppressed']}",
                "finding": f"{case}/{TRUE_FINDINGS}",
            }
        )
    write_text(folder / CHEST_CASES, pd.DataFrame(rows).to_csv(sep="\t", index=False))
