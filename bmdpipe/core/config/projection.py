"""Config of the density projections at the registered poses."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bmdpipe.core.config.base import Section


class ProjectionConfig(Section):
    """How the density projections are sampled."""

    pixel_mm: float = Field(
        default=0.5,
        ge=0.05,
        le=10.0,
        description="pixel size of the density projections at the detector, mm "
        "(own choice: just finer than pairs of 256 x 512, Gu 2023 §3.1, need)",
    )
    uncalibrated: bool = Field(
        default=False,
        description="also project plain Hounsfield units, for decomposers that learn from "
        "uncalibrated CT (Gu 2023 §4.2.5)",
    )
    engine: Literal["auto", "native", "numba", "cuda", "rtk"] = Field(
        default="auto",
        description="who projects: 'auto' is the native engine where it was built, else numba; "
        "'cuda' needs a GPU (in a SLURM profile: `project` on a GPU partition), 'rtk' the extra of "
        "that name (own choice: a CPU core projects a subject sooner than CUDA has started)",
    )
