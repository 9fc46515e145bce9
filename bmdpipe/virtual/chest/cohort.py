"""The table of a chest cohort, which follows from its config without simulating anything."""

from __future__ import annotations

from typing import Any

from bmdpipe.core.config.virtual.chest import ChestConfig
from bmdpipe.virtual.case_names import case_name
from bmdpipe.virtual.demographics import draw_person, stream

Row = dict[str, Any]
RADIOGRAPH, SUPPRESSED = "radiograph.dcm", "suppressed.png"
GOLDEN = 0.6180339887498949


def has_findings(config: ChestConfig, number: int) -> bool:
    """The class of a case, from the seed and its number alone.

    Multiples of the golden ratio fill the unit interval evenly, so that any run of cases holds the
    configured share to within a case or two, whatever the size of the cohort.
    """
    start = stream(config.seed, 0, "classes").random()
    return (start + number * GOLDEN) % 1.0 < config.finding_fraction


def chest_cases(config: ChestConfig) -> list[Row]:
    """A row per case; paths are relative to the case's folder."""
    rows = []
    for number in range(1, config.n_cases + 1):
        person = draw_person(config.demographics, config.seed, number)
        rows.append(
            {
                "case": case_name(config.prefix, number),
                "sex": person.sex,
                "age_years": person.age_years,
                "bmi": person.bmi,
                "tuberculosis": int(has_findings(config, number)),
                "radiograph": RADIOGRAPH,
                "suppressed": SUPPRESSED,
            }
        )
    return rows
