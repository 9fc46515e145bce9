"""Attention maps, representation pictures, and the checks that stand beside them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bmdpipe.core.config.base import Section

MapMethod = Literal[
    "grad_cam",
    "grad_cam_pp",
    "grad_ram",
    "grad_ramp",
    "guided",
    "guided_grad_cam_pp",
    "lrp",
    "lrp_grad_cam_pp",
    "full_grad",
    "crm",
]


class ExplainConfig(Section):
    """Which held-out cases of the first fold are explained, and how the maps are checked."""

    cases: int = Field(default=4, ge=1, le=32, description="held-out cases to explain")
    methods: tuple[MapMethod, ...] = Field(
        default=("grad_ram", "grad_ramp"), min_length=1, description="attention maps to draw"
    )
    deletion_cells: int = Field(
        default=16,
        ge=2,
        le=128,
        description="cells along the image's longer side for deletion and insertion",
    )
    deletion_steps: int = Field(
        default=32, ge=2, le=1000, description="steps of the deletion and insertion curves"
    )
    random_orders: int = Field(
        default=10, ge=2, le=1000, description="random orders that a map's order is compared with"
    )
    seed: int = Field(default=0, ge=0, description="seed of the random orders and random weights")
