"""The `report` section: the HTML pages of a cohort and its subjects."""

from __future__ import annotations

from pydantic import Field

from bmdpipe.core.config.base import Section


class ReportConfig(Section):
    """What the pages show. Every subject has a page of its own beside the cohort's."""

    n_examples: int = Field(
        default=4,
        ge=0,
        le=50,
        description="subjects whose pictures the cohort's page shows for each stage",
    )
    cohort_picture_px: int = Field(
        default=900, ge=100, le=4000, description="largest width of a picture on the cohort's page"
    )
    subject_picture_px: int = Field(
        default=1400, ge=100, le=4000, description="largest width of a picture on a subject's page"
    )
