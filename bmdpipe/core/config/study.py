"""The hip BMD study: which decomposers are trained and which experiments are evaluated."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, model_validator

from bmdpipe.core.config.base import Section
from bmdpipe.core.names import POSITIONINGS, Positioning, Target

Density = Literal["qct", "ct"]
NAME = r"^[a-z0-9][a-z0-9_-]{0,62}$"


class Decomposer(Section):
    """A generator that learns bone (stage one), then the proximal femur (stage two)."""

    backbone: str = Field(
        default="resnet_small", description="name of a generator in the registry of models"
    )
    hierarchical: bool = Field(
        default=True,
        description="train stage one first and hand all weights to stage two (Gu 2023 §3.2)",
    )
    positionings: tuple[Positioning, ...] = Field(
        default=POSITIONINGS, min_length=1, description="positionings of the training radiographs"
    )
    stage_one_epochs: int = Field(
        default=630, ge=1, description="epochs of stage one (Gu 2023 §4.2.7: 630)"
    )
    stage_two_epochs: int = Field(
        default=150,
        ge=1,
        description="epochs of stage two (Gu 2023 §4.2.7: 150, or 630 before a regression)",
    )
    density: Density = Field(
        default="qct",
        description="what is projected: calibrated density, or plain Hounsfield units (Gu 2023 "
        "§4.2.5; needs projection.uncalibrated)",
    )
    pretrained: str | None = Field(
        default=None,
        min_length=1,
        description="folder of a decomposition that another cohort has trained "
        "(weights.safetensors, model.json: a training stage's folder, or a bundle's "
        "models/fold0/decomposition) to start the first stage from, in place of random weights",
    )
    seed: int | None = Field(
        default=None, ge=0, description="seed of its trainings; none: training.seed"
    )


class Experiment(Section):
    """One row of a results table: a method, trained per fold and judged on held-out subjects."""

    method: Literal["conventional", "decomposition", "regression"] = Field(
        description="direct regression from the region (Hsieh 2021), BMD from the predicted "
        "projection, or regression from the learned representation (Gu 2023 §3.3)"
    )
    decomposer: str | None = Field(
        default=None, description="the decomposer that the method builds on; none for conventional"
    )
    positionings: tuple[Positioning, ...] = Field(
        default=POSITIONINGS,
        min_length=1,
        description="positionings of the radiographs that the regression is trained on",
    )
    encoder: Literal["frozen", "tuned"] = Field(
        default="tuned",
        description="keep the encoder fixed, or tune it after the head (regression only)",
    )
    head: Literal["transformer", "projection"] = Field(
        default="transformer",
        description="what the regression puts on the representation: transformer blocks (Gu 2023 "
        "§3.3), or the predicted projection's reading with a linear correction, for small cohorts "
        "and a fixed encoder (own choice: docs/learning.md)",
    )
    seed: int | None = Field(
        default=None, ge=0, description="seed of its trainings; none: training.seed"
    )

    @model_validator(mode="after")
    def _decomposer_fits_method(self) -> Experiment:
        if (self.method == "conventional") != (self.decomposer is None):
            raise ValueError(
                "'decomposer' names a decomposer for the methods decomposition and regression, "
                "and is left out for conventional"
            )
        if self.head == "projection" and (self.method, self.encoder) != ("regression", "frozen"):
            raise ValueError("the head 'projection' is for a regression with a frozen encoder")
        return self


class TablesConfig(Section):
    """The paper's tables and figures as experiments beside the study's own; a target each of the
    workflow: table2, table3, fig7, fig8, fig9 (with 10 and 11), fig12."""

    base: str = Field(
        default="main", description="the decomposer whose backbone and epochs the tables vary"
    )
    decomposition: str | None = Field(
        default=None,
        description="the decomposer of the rows without regression, where it is another one "
        "(Gu 2023 §4.2.7: fewer epochs in stage two)",
    )
    backbones: tuple[str, ...] = Field(
        default=("resnet", "daformer", "hrnet", "hrformer"),
        min_length=1,
        description="generators of Table 3 (Gu 2023 §4.3)",
    )
    heads: tuple[Literal["transformer", "projection"], ...] = Field(
        default=("transformer",),
        min_length=1,
        description="heads of the regression in Table 2; 'projection' adds a row that the paper "
        "has not, trained with four positionings and calibrated CT",
    )
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = Field(
        default=(0,), min_length=1, description="training seeds; every row is trained with each"
    )
    bit_depths: tuple[Annotated[int, Field(ge=1, le=16)], ...] = Field(
        default=(8, 7, 6, 5, 4, 3, 2, 1),
        description="bits per pixel of the test radiographs in Fig. 8",
    )
    jpeg_qualities: tuple[Annotated[int, Field(ge=1, le=100)], ...] = Field(
        default=(100, 90, 80, 70, 60, 50, 40, 30, 20, 10),
        description="JPEG quality of the test radiographs in Fig. 8 (100 to 10)",
    )


class HipBmdConfig(Section):
    """The study of Gu et al. 2023."""

    targets: tuple[Target, ...] = Field(
        default=("dxa", "qct"), min_length=1, description="BMD values to estimate"
    )
    decomposers: dict[str, Decomposer] = Field(
        default={"main": Decomposer()}, description="generators to train, by name"
    )
    experiments: dict[str, Experiment] = Field(
        default={
            "conventional": Experiment(method="conventional"),
            "decomposition": Experiment(method="decomposition", decomposer="main"),
            "decomposition-regression": Experiment(method="regression", decomposer="main"),
        },
        description="rows of the results table, by name",
    )
    tables: TablesConfig = Field(
        default=TablesConfig(), description="the paper's tables, as targets of the workflow"
    )

    @model_validator(mode="after")
    def _names_resolve(self) -> HipBmdConfig:
        for name in (*self.decomposers, *self.experiments):
            if not re.match(NAME, name):
                raise ValueError(f"'{name}' is no name: use a-z, 0-9, - and _")
        for name, experiment in self.experiments.items():
            if experiment.decomposer is not None and experiment.decomposer not in self.decomposers:
                raise ValueError(
                    f"experiment '{name}' builds on decomposer '{experiment.decomposer}', "
                    f"which is not among {sorted(self.decomposers)}"
                )
        return self
