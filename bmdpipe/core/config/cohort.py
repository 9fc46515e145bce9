"""Which cohort runs, and where its tables come from."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from bmdpipe.core.config.base import Section


class CohortConfig(Section):
    """A cohort of files named by tables, or a virtual one that is simulated."""

    name: str = Field(
        default="virtual",
        pattern=r"^[a-z0-9][a-z0-9-]{0,62}$",
        description="the cohort's name: its folder under the results (a-z, 0-9 and -)",
    )
    kind: Literal["virtual", "tables"] = Field(
        default="virtual",
        description="'virtual' simulates the cohort from the section virtual; 'tables' reads "
        "subjects.tsv and radiographs.tsv",
    )
    tables: str | None = Field(
        default=None,
        description="folder of subjects.tsv and radiographs.tsv; needed for the kind 'tables' only",
    )

    ct_only: bool = Field(
        default=False,
        description="the subjects have a CT and nothing else: a radiograph is simulated from each "
        "and registered back, and no network is trained",
    )

    @model_validator(mode="after")
    def _tables_fit_kind(self) -> CohortConfig:
        if (self.kind == "tables") != (self.tables is not None):
            raise ValueError("'tables' names a folder for the kind 'tables', and only for it")
        if self.ct_only and self.kind != "tables":
            raise ValueError("'ct_only' is for the kind 'tables'")
        return self
