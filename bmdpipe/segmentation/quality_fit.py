"""The line from variance to Dice, fitted on CTs whose truth is known and on worsened copies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from bmdpipe.core.config.segmentation import (
    SegmentationAugmentation,
    SegmentationConfig,
    SegmentationNetwork,
)
from bmdpipe.core.labels import BODIES
from bmdpipe.core.volume import Volume
from bmdpipe.imaging.metal import without_metal
from bmdpipe.segmentation.appearance import Appearance, appear, draw_appearance
from bmdpipe.segmentation.chance import seed_of
from bmdpipe.segmentation.finish import finished
from bmdpipe.segmentation.networks import Network
from bmdpipe.segmentation.prediction import predict
from bmdpipe.segmentation.quality import QualityPoint, dice_of, mean_variance
from bmdpipe.segmentation.slices import Annotated

STRUCTURES = {"pelvis": ("pelvis",), "femur": ("femur_r", "femur_l")}
"""Both femora share a line: no more is known of one than of the other."""
LOOKS = ("bone_gain", "marrow_hu", "texture_hu", "shading_hu", "noise_hu")
"""What grows with how much a copy is worsened; the rest stays as it is in training."""
CHUNK = 8


def quality_points(
    net: Network,
    network: SegmentationNetwork,
    subjects: Sequence[str],
    read: Callable[[str], Annotated],
    config: SegmentationConfig,
    device: torch.device,
) -> dict[str, list[QualityPoint]]:
    """Variance and Dice of the final labels of each structure, in each subject's CT and its
    worsened copies. A structure that was not found has no variance, and no point."""
    points: dict[str, list[QualityPoint]] = {name: [] for name in STRUCTURES}
    for subject in subjects:
        annotated = read(subject)
        thinned = annotated.every(max(1, len(annotated.ct.array) // config.quality.slices))
        for worsened, ct in _copies(thinned, config):
            seed = seed_of(config.seed, f"quality of {subject} worsened {worsened}")
            shown = without_metal(ct)
            found = predict(net, shown, network, config.prediction, seed, device)
            labels = finished(found.classes, ct, shown, config.prediction).array
            for name, bodies in STRUCTURES.items():
                for body in bodies:
                    mask = labels == BODIES[body]
                    if not mask.any():
                        continue
                    spread = mean_variance(found.variance.array, mask)
                    dice = dice_of(mask, thinned.labels.array == BODIES[body])
                    points[name].append(QualityPoint(subject, spread, dice, worsened))
    return points


def _copies(annotated: Annotated, config: SegmentationConfig) -> Iterator[tuple[float, Volume]]:
    """How much each copy is worsened, and the copy; first the CT as it is."""
    yield 0.0, annotated.ct
    for copy in range(1, config.quality.copies + 1):
        strength = config.quality.strength * copy / config.quality.copies
        seed = seed_of(config.seed, f"copy {copy} of {annotated.subject}")
        yield strength, worsened(annotated, config.training.augmentation, strength, seed)


def worsened(
    annotated: Annotated, changes: SegmentationAugmentation, strength: float, seed: int
) -> Volume:
    """The CT with one drawn look in all its slices, whose limits are `strength` times training's.

    Only the look changes, so that the labels remain true.
    """
    limits = changes.model_copy(
        update={name: getattr(changes, name) * strength for name in LOOKS} | {"metal_share": 0.0}
    )
    generator = torch.Generator().manual_seed(seed)
    ct = annotated.ct
    look = draw_appearance(limits, 1, ct.spacing_mm[0], generator)
    array = np.empty(ct.array.shape, dtype=np.float32)
    for start in range(0, len(array), CHUNK):
        part = slice(start, start + CHUNK)
        hu = torch.from_numpy(ct.array[part].astype(np.float32))
        bone = torch.from_numpy((annotated.labels.array[part] > 0).astype(np.float32) * 255)
        array[part] = appear(hu, bone[:, None], _for_chunk(look, len(hu), seed + start))[0].numpy()
    return ct.like(array.round().clip(-1024, 32767).astype(np.int16), ct.unit)


def _for_chunk(look: Appearance, n: int, seed: int) -> Appearance:
    """The same look for n slices, with chance of their own."""
    same: dict[str, Any] = {
        name: value.expand(n) for name, value in vars(look).items() if torch.is_tensor(value)
    }
    return replace(look, **same, seed=seed % 2**62)
