"""The cohort that a config names: read from its tables, or virtual."""

from __future__ import annotations

from pathlib import Path

from bmdpipe.core.cohort import Cohort, cohort_from_rows, read_cohort
from bmdpipe.core.config.root import Config
from bmdpipe.core.files import DXA
from bmdpipe.core.layout import Layout
from bmdpipe.virtual.cohort import cohort_tables


def configured_cohort(config: Config, ct_needed: bool = True) -> Cohort:
    """The validated cohort; without `ct_needed` its tables may name no CT.

    Raises UsageError if a table or a file that it names is at fault.
    """
    if config.cohort.tables is not None:
        return read_cohort(
            Path(config.cohort.tables), ct_only=config.cohort.ct_only, ct_needed=ct_needed
        )
    layout = Layout(config.results, config.cohort.name)
    subjects, radiographs = cohort_tables(
        config.virtual, lambda subject: layout.at("simulate", subject=subject)
    )
    for row in subjects:
        if row["dataset"] == "B":
            row["dxa_file"] = f"{layout.at('simulate', subject=row['subject'])}/{DXA}"
    return cohort_from_rows(subjects, radiographs)
