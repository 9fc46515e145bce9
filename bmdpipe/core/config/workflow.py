"""The `workflow` section: how jobs run, never what they compute."""

from __future__ import annotations

from pydantic import Field

from bmdpipe.core.config.base import Section


class WorkflowConfig(Section):
    """What the machine gives to a job; a change here reruns nothing."""

    training_threads: int = Field(
        default=4,
        ge=1,
        le=256,
        description="CPU threads of a training; small networks train fastest with one each, "
        "side by side",
    )
