"""The lumbar cohort as the table that a user's CTs come with."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from bmdpipe.core.atomic import read_json, write_text
from bmdpipe.core.config.virtual.lumbar import LumbarConfig
from bmdpipe.core.files import CT_CASES, CT_SERIES, DXA, TRUE_LABELS, TRUTH
from bmdpipe.virtual.lumbar.cohort import lumbar_cases


def write_case_table(folder: Path, config: LumbarConfig, annotated: int | None) -> None:
    """The first `annotated` cases, all if None, have an annotation, which is the true labels."""
    rows = []
    for number, row in enumerate(lumbar_cases(config)):
        case = row["case"]
        labels = f"{case}/{TRUE_LABELS}"
        known = annotated is None or number < annotated
        rows.append(
            {
                "case": case,
                "subject": case,
                "ct": f"{case}/{CT_SERIES}",
                "annotation": labels if known else "",
                "truth": labels,
                "dxa_abmd_g_cm2": read_json(folder / case / DXA)["abmd_g_cm2"],
                "qct_vbmd_mg_cm3": round(read_json(folder / case / TRUTH)["vbmd_mg_cm3"], 3),
            }
        )
    write_text(folder / CT_CASES, pd.DataFrame(rows).to_csv(sep="\t", index=False))
