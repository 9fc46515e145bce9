"""A fold's model: who is trained on, who is held out, and the line that predicts Dice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bmdpipe.core.checkpoints import load_weights, save_weights
from bmdpipe.core.config.segmentation import SegmentationConfig, SegmentationNetwork
from bmdpipe.core.provenance import digest
from bmdpipe.core.volume import Volume
from bmdpipe.segmentation.classes import CLASSES, FEMUR_CLASS, PELVIS_CLASS, classes_of
from bmdpipe.segmentation.prediction import predict
from bmdpipe.segmentation.quality import QualityLine, dice_of, fit_quality, mean_variance
from bmdpipe.segmentation.slices import Annotated, collect
from bmdpipe.segmentation.training import Row, train
from bmdpipe.segmentation.unet import UNet, build

STRUCTURES = {"pelvis": PELVIS_CLASS, "femur": FEMUR_CLASS}


@dataclass(frozen=True)
class FoldModel:
    """A trained network, how it was trained, and a line from variance to Dice per structure.

    `held_out_dice` is the mean Dice of each structure over the held-out subjects, without added
    noise; empty where none was held out.
    """

    net: UNet
    network: SegmentationNetwork
    history: list[Row]
    trained_on: tuple[str, ...]
    held_out: tuple[str, ...]
    quality: dict[str, QualityLine]
    held_out_dice: dict[str, float]

    def save(self, weights: Path) -> dict[str, Any]:
        """Write the weights; returns what `restore` needs beside them, as JSON values."""
        save_weights(weights, self.net, {"network": self.network.model_dump(mode="json")})
        return {
            "network": self.network.model_dump(mode="json"),
            "classes": list(CLASSES),
            "trained_on": list(self.trained_on),
            "held_out": list(self.held_out),
            "quality_fitted_on": "held-out subjects" if self.held_out else "training subjects",
            "quality": {name: asdict(line) for name, line in self.quality.items()},
            "held_out_dice": self.held_out_dice,
            "parameters": sum(p.numel() for p in self.net.parameters()),
        }


def restore(
    weights: Path, model: dict[str, Any]
) -> tuple[UNet, SegmentationNetwork, dict[str, QualityLine]]:
    """The network, its working slices and the lines of a saved fold.

    Raises UsageError where weights and description do not belong together.
    """
    network = SegmentationNetwork.model_validate(model["network"])
    net = build(network, len(model["classes"]), seed=0)
    load_weights(weights, net, expect={"network": model["network"]})
    return net, network, {name: QualityLine(**line) for name, line in model["quality"].items()}


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
    points: dict[str, list[tuple[float, float, float]]] = {name: [] for name in STRUCTURES}
    for subject in held_out or trained_on:
        for name, measured in quality_points(net, read(subject), config, device).items():
            points[name] += measured
    return FoldModel(
        net=net,
        network=config.network,
        history=history,
        trained_on=trained_on,
        held_out=held_out,
        quality={
            name: fit_quality([v for _, v, _ in found], [d for _, _, d in found])
            for name, found in points.items()
        },
        held_out_dice={
            name: float(np.mean([d for noise, _, d in found if noise == 0]))
            for name, found in points.items()
            if held_out and any(noise == 0 for noise, _, _ in found)
        },
    )


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


def quality_points(
    net: UNet, annotated: Annotated, config: SegmentationConfig, device: torch.device
) -> dict[str, list[tuple[float, float, float]]]:
    """(noise, mean variance, Dice) of each structure in a subject's CT with each added noise."""
    step = max(1, len(annotated.ct.array) // config.training.quality_slices)
    thinned = annotated.every(step)
    truth = classes_of(thinned.labels.array)
    points: dict[str, list[tuple[float, float, float]]] = {name: [] for name in STRUCTURES}
    for noise in config.training.quality_noise_hu:
        seed = seed_of(config.seed, f"quality of {annotated.subject} at {noise} HU")
        found = predict(
            net, _noisy(thinned.ct, noise, seed), config.network, config.prediction, seed, device
        )
        for name, label in STRUCTURES.items():
            mask = found.classes.array == label
            spread = mean_variance(found.variance.array, mask)
            points[name].append((noise, spread, dice_of(mask, truth == label)))
    return points


def seed_of(seed: int, purpose: str) -> int:
    """A seed for one purpose, the same on every machine."""
    return int(digest(f"{seed} {purpose}"), 16) >> 1


def _noisy(ct: Volume, noise_hu: float, seed: int) -> Volume:
    if noise_hu == 0:
        return ct
    noise = np.random.default_rng(seed).standard_normal(ct.array.shape, dtype=np.float32)
    return ct.like(ct.array + noise * np.float32(noise_hu), ct.unit)
