"""The `tracking` section: where runs are recorded for comparison."""

from __future__ import annotations

from pydantic import Field

from bmdpipe.core.config.base import Section


class TrackingConfig(Section):
    """The MLflow store that every job's parameters, metrics and pictures are brought into."""

    uri: str | None = Field(
        default=None,
        min_length=1,
        description="MLflow tracking URI, for example that of a server of your group; "
        "none: sqlite in `mlflow.db` in the results folder",
    )
    artefacts: bool = Field(
        default=True, description="copy the jobs' pictures and manifests into the store"
    )
