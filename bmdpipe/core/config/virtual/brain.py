"""The virtual brain cohort: T1-weighted MR volumes with atrophy at a known site (seed 002)."""

from __future__ import annotations

from pydantic import Field

from bmdpipe.core.config.base import Section


class BrainConfig(Section):
    """Heads with folds, ventricles, deep grey matter and hippocampi; half of them impaired.

    No figure here is a measurement of patients: sizes are plausible, from no source, unless named.
    """

    seed: int = Field(default=20020, ge=0, le=2**31, description="seed of the whole cohort")
    prefix: str = Field(
        default="B", pattern=r"^[A-Za-z]{1,8}$", description="what a case's name starts with"
    )
    n_cases: int = Field(
        default=400,
        ge=4,
        le=99999,
        description="number of cases; the seed tests on 133 and does not say how many it has",
    )
    impaired_fraction: float = Field(
        default=0.5, ge=0, le=1, description="share of cases with hippocampal atrophy"
    )
    voxel_mm: float = Field(default=2.0, ge=1, le=8, description="edge of a voxel")
    field_mm: tuple[float, float, float] = Field(
        default=(176.0, 208.0, 192.0), description="field of view along x, y, z"
    )
    atrophy: float = Field(
        default=0.45, ge=0, le=0.9, description="mean share of the hippocampus that is lost"
    )
    atrophy_sd: float = Field(default=0.08, ge=0, le=0.3, description="its spread")
    normal_loss_sd: float = Field(
        default=0.06, ge=0, le=0.3, description="spread of the hippocampus among the unimpaired"
    )
    ventricle_sd: float = Field(
        default=0.25, ge=0, le=0.6, description="spread of the ventricles' size, in both classes"
    )
    size_sd: float = Field(
        default=0.02, ge=0, le=0.15, description="spread of the head's axes in the common space"
    )
    fold_sd: float = Field(
        default=0.35, ge=0, le=3.2, description="spread of the sulci about a common course, rad"
    )
    turn_deg: float = Field(
        default=1.5, ge=0, le=30, description="spread of the position left by registration"
    )
    shift_mm: float = Field(
        default=1.0, ge=0, le=20, description="spread of the place left by registration"
    )
    bias_field: float = Field(
        default=0.1, ge=0, le=1, description="half-width of the coil's slow shading"
    )
    noise: float = Field(
        default=0.03, ge=0, le=0.5, description="noise of each channel, in parts of white matter"
    )
