"""The `folds` section: how subjects are dealt to the folds of cross-validation."""

from __future__ import annotations

from pydantic import Field

from bmdpipe.core.config.base import Section


class FoldsConfig(Section):
    """Cross-validation by subject."""

    n_folds: int = Field(default=5, ge=2, le=50, description="number of folds (Gu 2023 §4.2.1: 5)")
    seed: int = Field(default=0, ge=0, description="seed of the deal within each BMD stratum")
    file: str | None = Field(
        default=None,
        description="a TSV with the columns subject and fold that is used instead of a deal",
    )
