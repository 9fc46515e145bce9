"""A classifier of one fold: built, trained, kept on disk, used again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn

from bmdpipe.core.atomic import read_json, write_json, write_text
from bmdpipe.core.checkpoints import load_weights, save_weights
from bmdpipe.core.config.supervised import SupervisedConfig
from bmdpipe.core.epochs import Row
from bmdpipe.core.files import MODEL, WEIGHTS
from bmdpipe.models.pretrained import take_over
from bmdpipe.models.registry import MODELS, build
from bmdpipe.pairs.examples import Examples
from bmdpipe.training.loop import frame_of, fresh
from bmdpipe.training.regression import outputs
from bmdpipe.training.supervised import (
    Learnt,
    class_weights,
    classification,
    train_supervised,
    varied,
)


@dataclass(frozen=True)
class Classifier:
    """A trained network: inputs `[n, c, ...]` to logits `[n, classes]`."""

    network: nn.Module
    model: str
    classes: tuple[str, ...]
    shape: tuple[int, ...]

    @property
    def layer(self) -> str | None:
        """The module whose feature maps explanations weigh."""
        return MODELS[self.model].layer

    def logits(self, inputs: Tensor, batch_size: int = 8) -> Tensor:
        device = next(self.network.parameters()).device
        return outputs(self.network, (part.to(device) for part in inputs.split(batch_size)))


def new_classifier(model: str, classes: Sequence[str], shape: Sequence[int]) -> Classifier:
    """With fresh weights, for inputs of a shape `(c, ...)`."""
    entry = MODELS[model]
    sizes: dict[str, Any] = {"channels": shape[0], "outputs": len(classes)}
    if entry.layer is None:
        sizes["size"] = tuple(shape[1:])
    return Classifier(build(model, entry.kind, **sizes), model, tuple(classes), tuple(shape))


def train_classifier(
    model: str,
    classes: Sequence[str],
    examples: Examples,
    config: SupervisedConfig,
    state: Path,
    pretrained: Path | None = None,
) -> tuple[Classifier, list[Row]]:
    """Train on all of the examples. `pretrained` holds weights to start from."""
    made = fresh(
        lambda: new_classifier(model, classes, examples.inputs.shape[1:]).network,
        config.seed, model,
    )  # fmt: skip
    head = MODELS[model].head
    if pretrained is not None and head is not None:
        take_over(made, pretrained, head)
    labels = torch.from_numpy(examples.labels).long()
    weights = class_weights(labels, len(classes)) if config.balanced else None
    history = train_supervised(
        made,
        Learnt(examples.cases, torch.from_numpy(examples.inputs), labels),
        classification(weights),
        config,
        frame_of(model, state, config),
        varied(config),
    )
    shape = tuple(examples.inputs.shape[1:])
    return Classifier(made.eval(), model, tuple(classes), shape), history


def save_classifier(folder: Path, trained: Classifier, groups: Sequence[str]) -> None:
    meta = {
        "kind": "classifier",
        "model": trained.model,
        "classes": list(trained.classes),
        "shape": list(trained.shape),
    }
    save_weights(Path(folder) / WEIGHTS, trained.network, meta)
    write_json(Path(folder) / MODEL, {**meta, "trained_on": sorted(set(groups))})


def write_told(path: Path, trained: Classifier, tested: Examples, fold: int) -> None:
    """What a fold's classifier says of the examples it has not seen: a probability per class."""
    told = trained.logits(torch.from_numpy(tested.inputs)).softmax(dim=1).double().numpy()
    table = pd.DataFrame(
        {"case": tested.cases, "group": tested.groups, "fold": fold, "label": tested.labels}
        | {f"p_{name}": told[:, k] for k, name in enumerate(trained.classes)}
    )
    write_text(path, table.to_csv(sep="\t", index=False))


def load_classifier(folder: Path) -> Classifier:
    """Read a classifier for use; raises UsageError if the files are missing or do not fit."""
    meta = read_json(Path(folder) / MODEL)
    made = new_classifier(meta["model"], meta["classes"], meta["shape"])
    load_weights(Path(folder) / WEIGHTS, made.network, {"model": meta["model"]})
    made.network.eval()
    return made
