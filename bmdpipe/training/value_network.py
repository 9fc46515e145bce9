"""A network that estimates a value of an image: built, trained, kept on disk, used again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from bmdpipe.core.atomic import read_json, write_json
from bmdpipe.core.checkpoints import load_weights, save_weights
from bmdpipe.core.config.ct_bmd import BalanceConfig
from bmdpipe.core.config.supervised import SupervisedConfig
from bmdpipe.core.epochs import Row
from bmdpipe.core.files import MODEL, WEIGHTS
from bmdpipe.models.registry import MODELS, build
from bmdpipe.pairs.examples import Examples
from bmdpipe.pairs.normalise import ValueScale, fit_value_scale
from bmdpipe.training.loop import frame_of, fresh
from bmdpipe.training.regression import outputs
from bmdpipe.training.supervised import Learnt, train_supervised, varied
from bmdpipe.training.value_loss import balanced_huber, density_weights

KIND: Final = "value_network"


@dataclass(frozen=True)
class Estimator:
    """A trained network: inputs `[n, c, h, w]` to standardised values, `scale` to their unit."""

    network: nn.Module
    model: str
    channels: int
    scale: ValueScale

    @property
    def layer(self) -> str | None:
        """The module whose feature maps explanations weigh."""
        return MODELS[self.model].layer

    def values(self, inputs: Tensor, batch_size: int = 16) -> Tensor:
        device = next(self.network.parameters()).device
        return self.scale.value_out(
            outputs(self.network, (part.to(device) for part in inputs.split(batch_size)))
        )


def train_estimator(
    model: str, examples: Examples, config: SupervisedConfig, balance: BalanceConfig, state: Path
) -> tuple[Estimator, list[Row]]:
    """Train on all of the examples; the values' scale and weights are fitted on them alone."""
    channels = examples.inputs.shape[1]
    made = fresh(lambda: build(model, KIND, channels=channels), config.seed, model)
    scale = fit_value_scale(examples.labels.tolist())
    values = torch.from_numpy(examples.labels).float()
    targets = torch.stack([scale.value_in(values), density_weights(values, balance)], dim=1)
    history = train_supervised(
        made,
        Learnt(examples.cases, torch.from_numpy(examples.inputs), targets),
        balanced_huber(balance, scale.sd),
        config,
        frame_of(model, state, config),
        varied(config),
    )
    return Estimator(made.eval(), model, channels, scale), history


def save_estimator(folder: Path, trained: Estimator, subjects: Sequence[str]) -> None:
    meta = {
        "kind": KIND,
        "model": trained.model,
        "channels": trained.channels,
        "value_scale": trained.scale.to_json(),
    }
    save_weights(Path(folder) / WEIGHTS, trained.network, meta)
    write_json(Path(folder) / MODEL, {**meta, "trained_on": sorted(set(subjects))})


def load_estimator(folder: Path) -> Estimator:
    """Read a network for use; raises UsageError if the files are missing or do not fit."""
    meta = read_json(Path(folder) / MODEL)
    made = build(meta["model"], KIND, channels=meta["channels"])
    load_weights(Path(folder) / WEIGHTS, made, {"model": meta["model"]})
    scale = ValueScale(**meta["value_scale"])
    return Estimator(made.eval(), meta["model"], meta["channels"], scale)
