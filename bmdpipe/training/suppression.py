"""A bone suppressor: built, trained on pairs, kept on disk, used again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from bmdpipe.core.atomic import read_json, write_json
from bmdpipe.core.checkpoints import load_weights, save_weights
from bmdpipe.core.config.bone_suppression import SuppressionLossConfig
from bmdpipe.core.config.supervised import SupervisedConfig
from bmdpipe.core.epochs import Row
from bmdpipe.core.files import MODEL, WEIGHTS
from bmdpipe.models.registry import MODELS, build
from bmdpipe.training.fit import Losses
from bmdpipe.training.loop import frame_of, fresh
from bmdpipe.training.regression import outputs
from bmdpipe.training.structural import ms_ssim
from bmdpipe.training.supervised import (
    Learnt,
    Objective,
    train_supervised,
    varied,
)


@dataclass(frozen=True)
class Suppressor:
    """A trained network: radiographs `[n, 1, h, w]` of 0 to 1 to images without bones."""

    network: nn.Module
    model: str

    def suppressed(self, radiographs: Tensor, batch_size: int = 8) -> Tensor:
        device = next(self.network.parameters()).device
        return outputs(
            self.network, (part.to(device) for part in radiographs.split(batch_size))
        ).clamp(0, 1)


def combined_loss(network: nn.Module, config: SuppressionLossConfig, l1: float) -> Objective:
    """Weighted 1 - MS-SSIM and MAE (seed 001), with `l1` times the sum of the absolute weights of
    the network's convolutions."""
    kernels = [m.weight for m in network.modules() if isinstance(m, nn.Conv2d)]

    def objective(made: Tensor, wanted: Tensor) -> Losses:
        similarity = ms_ssim(made, wanted).mean()
        mae = (made - wanted).abs().mean()
        loss = config.structural * (1 - similarity) + (1 - config.structural) * mae
        if l1:
            loss = loss + l1 * torch.stack([kernel.abs().sum() for kernel in kernels]).sum()
        return {"combined": loss, "mae": mae, "ms_ssim": similarity}

    return objective


def train_suppressor(
    model: str,
    cases: Sequence[str],
    pairs: Tensor,
    loss: SuppressionLossConfig,
    config: SupervisedConfig,
    state: Path,
) -> tuple[Suppressor, list[Row]]:
    """Train on pairs `[n, 2, h, w]`: the radiograph, and what it is without bones."""
    made = fresh(lambda: build(model, MODELS[model].kind), config.seed, model)
    history = train_supervised(
        made,
        Learnt(tuple(cases), pairs[:, :1], pairs[:, 1:]),
        combined_loss(made, loss, loss.l1.get(model, 0.0)),
        config,
        frame_of(model, state, config),
        varied(config),
    )
    return Suppressor(made.eval(), model), history


def save_suppressor(folder: Path, trained: Suppressor, subjects: Sequence[str]) -> None:
    meta = {"kind": "suppressor", "model": trained.model}
    save_weights(Path(folder) / WEIGHTS, trained.network, meta)
    write_json(Path(folder) / MODEL, {**meta, "trained_on": sorted(set(subjects))})


def load_suppressor(folder: Path) -> Suppressor:
    """Read a suppressor for use; raises UsageError if the files are missing or do not fit."""
    meta = read_json(Path(folder) / MODEL)
    made = build(meta["model"], MODELS[meta["model"]].kind)
    load_weights(Path(folder) / WEIGHTS, made, {"model": meta["model"]})
    return Suppressor(made.eval(), meta["model"])
