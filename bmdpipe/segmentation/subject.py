"""One subject's CT to checked labels, uncertainty and predicted quality."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from bmdpipe.core.config.segmentation import SegmentationConfig, SegmentationNetwork
from bmdpipe.core.errors import CaseError, CaseWarning
from bmdpipe.core.labels import BODIES
from bmdpipe.core.volume import Volume
from bmdpipe.imaging.metal import without_metal
from bmdpipe.segmentation.chance import seed_of
from bmdpipe.segmentation.finish import finished
from bmdpipe.segmentation.networks import Network
from bmdpipe.segmentation.prediction import predict
from bmdpipe.segmentation.quality import QualityLine, mean_variance
from bmdpipe.segmentation.structures import check_bones, volumes_ml

STEPS_OF_VARIANCE = 2**12


@dataclass(frozen=True)
class Measured:
    """What is known of one segmented bone without a truth; variance and predicted Dice only of what
    a network segmented. `dice_error` is how far the prediction was off where the line was fitted.
    """

    volume_ml: float
    variance: float | None = None
    predicted_dice: float | None = None
    dice_error: float | None = None


@dataclass(frozen=True)
class Segmented:
    """`labels` uint8 on the CT's grid and, of a network, `variance` float32; `structures` by body
    name."""

    labels: Volume
    variance: Volume | None
    structures: dict[str, Measured]
    warnings: tuple[CaseWarning, ...]


def segment_subject(
    net: Network,
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
    labels = finished(found.classes, ct, shown, config.prediction)
    warnings = list(check_bones(labels, side, subject, config.prediction))
    structures = {}
    for name, volume in volumes_ml(labels).items():
        if volume == 0:
            continue
        spread = mean_variance(found.variance.array, labels.array == BODIES[name])
        line = quality[name.split("_")[0]]
        dice = line.dice(spread)
        structures[name] = Measured(volume, spread, dice, line.error)
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
