"""One subject's CT to checked labels, uncertainty and predicted quality."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from bmdpipe.core.config.segmentation import SegmentationConfig, SegmentationNetwork
from bmdpipe.core.errors import CaseError, CaseWarning
from bmdpipe.core.labels import BODIES
from bmdpipe.core.volume import Volume
from bmdpipe.imaging.metal import metal, without_metal
from bmdpipe.segmentation.border import with_shell, without_holes
from bmdpipe.segmentation.fold import seed_of
from bmdpipe.segmentation.prediction import predict
from bmdpipe.segmentation.quality import QualityLine, mean_variance
from bmdpipe.segmentation.structures import bones, check_bones, volumes_ml
from bmdpipe.segmentation.unet import UNet

STEPS_OF_VARIANCE = 2**12


@dataclass(frozen=True)
class Measured:
    """What is known of one segmented bone without a truth."""

    volume_ml: float
    variance: float
    predicted_dice: float


@dataclass(frozen=True)
class Segmented:
    """`labels` uint8 and `variance` float32 on the CT's grid; `structures` by body name."""

    labels: Volume
    variance: Volume
    structures: dict[str, Measured]
    warnings: tuple[CaseWarning, ...]


def segment_subject(
    net: UNet,
    ct: Volume,
    subject: str,
    side: str,
    network: SegmentationNetwork,
    quality: dict[str, QualityLine],
    config: SegmentationConfig,
    device: torch.device,
) -> Segmented:
    """Segment a CT; metal is no bone. Raises CaseError if the pelvis or the femur on `side` is not
    usable."""
    seed = seed_of(config.seed, subject)
    shown = without_metal(ct)
    try:
        found = predict(net, shown, network, config.prediction, seed, device)
    except ValueError as error:
        raise CaseError("E_SEGMENTATION", subject, f"{error}; look at the CT") from None
    labels = bones(found.classes, config.prediction.part_share)
    if config.prediction.shell_hu is not None:
        labels = with_shell(labels, shown, config.prediction.shell_hu, config.prediction.shell_mm)
    labels = without_holes(labels)
    labels.array[metal(ct)] = 0
    warnings = list(check_bones(labels, side, subject, config.prediction))
    structures = {}
    for name, volume in volumes_ml(labels).items():
        if volume == 0:
            continue
        spread = mean_variance(found.variance.array, labels.array == BODIES[name])
        dice = quality[name.split("_")[0]].dice(spread)
        structures[name] = Measured(volume, spread, dice)
        if dice < config.prediction.warn_dice:
            warnings.append(
                CaseWarning("W_SEGMENTATION", f"the {name} has a predicted Dice of {dice:.2f}")
            )
    # Full precision is noise that does not compress.
    rounded = np.round(found.variance.array * STEPS_OF_VARIANCE) / np.float32(STEPS_OF_VARIANCE)
    return Segmented(
        labels=labels,
        variance=found.variance.like(rounded.astype(np.float32), "variance"),
        structures=structures,
        warnings=tuple(warnings),
    )
