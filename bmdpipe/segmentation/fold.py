"""A fold's network: who is trained on, and who is held out for the line that predicts Dice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from bmdpipe.core.config.segmentation import SegmentationConfig
from bmdpipe.segmentation.chance import seed_of
from bmdpipe.segmentation.networks import Network
from bmdpipe.segmentation.slices import Annotated, collect
from bmdpipe.segmentation.training import Row, train


@dataclass(frozen=True)
class FoldModel:
    """A trained network, how it was trained, and on whom; `held_out` is empty where there were too
    few to hold any out."""

    net: Network
    history: list[Row]
    trained_on: tuple[str, ...]
    held_out: tuple[str, ...]


def train_fold(
    subjects: Sequence[str],
    read: Callable[[str], Annotated],
    config: SegmentationConfig,
    fold: int,
    device: torch.device,
    state: Path | None = None,
) -> FoldModel:
    """Train on the annotated `subjects` of the training folds; `read` is asked for no other."""
    seed = seed_of(config.seed, f"fold {fold}")
    trained_on, held_out = split(subjects, config, seed)
    data = collect((read(subject) for subject in trained_on), config)
    net, history = train(data, config, seed, device, state)
    return FoldModel(net, history, trained_on, held_out)


def split(
    subjects: Sequence[str], config: SegmentationConfig, seed: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Who is trained on and who is held out for the line, independent of the order given."""
    training = config.training
    if len(subjects) < training.min_annotated_to_hold_out or training.held_out == 0:
        return tuple(sorted(subjects)), ()
    shuffled = np.random.default_rng(seed).permutation(sorted(subjects))
    kept = max(1, round(training.held_out * len(subjects)))
    return tuple(sorted(map(str, shuffled[kept:]))), tuple(sorted(map(str, shuffled[:kept])))
