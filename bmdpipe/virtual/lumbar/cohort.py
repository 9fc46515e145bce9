"""The table of a lumbar cohort, which follows from its config without simulating anything."""

from __future__ import annotations

from typing import Any

from bmdpipe.core.config.virtual.lumbar import LumbarConfig
from bmdpipe.core.files import CT_SERIES, DXA
from bmdpipe.virtual.case_names import case_name
from bmdpipe.virtual.demographics import draw_person

Row = dict[str, Any]


def lumbar_cases(config: LumbarConfig) -> list[Row]:
    """A row per case; paths are relative to the case's folder, the DXA value lies in a file."""
    rows = []
    for number in range(1, config.n_cases + 1):
        person = draw_person(config.demographics, config.seed, number)
        rows.append(
            {
                "case": case_name(config.prefix, number),
                "sex": person.sex,
                "age_years": person.age_years,
                "bmi": person.bmi,
                "level": config.level,
                "ct": CT_SERIES,
                "dxa_file": DXA,
                "dxa_device": config.dxa_device,
            }
        )
    return rows
