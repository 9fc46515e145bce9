"""The Bayesian U-Net on a vertebra: its body and its posterior elements beside background.

Slices, training and Monte-Carlo prediction are those of the hip; two structures beside background
are told apart here as there.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from bmdpipe.core.config.segmentation import SegmentationConfig
from bmdpipe.core.errors import CaseError
from bmdpipe.core.volume import Volume
from bmdpipe.segmentation.chance import seed_of
from bmdpipe.segmentation.networks import Network
from bmdpipe.segmentation.prediction import Prediction, predict
from bmdpipe.segmentation.slices import Annotated, collect
from bmdpipe.segmentation.training import Row, train

BODY, POSTERIOR = 1, 2


def train_vertebra(
    annotated: Iterable[Annotated], config: SegmentationConfig, device: torch.device, state: Path
) -> tuple[Network, list[Row]]:
    """Train on CTs with labels 1 (body) and 2 (posterior elements)."""
    data = collect(annotated, config)
    return train(data, config, seed_of(config.seed, "vertebra"), device, state)


def segment_vertebra(
    net: Network, ct: Volume, case: str, config: SegmentationConfig, device: torch.device
) -> Prediction:
    """Labels of the vertebra and their uncertainty. Raises CaseError if no body is found."""
    seed = seed_of(config.seed, f"vertebra {case}")
    found = predict(net, ct, config.network, config.prediction, seed, device)
    return Prediction(
        found.classes.like(cleaned(found.classes.array, case), "label"), found.variance
    )


def cleaned(labels: NDArray[np.uint8], case: str) -> NDArray[np.uint8]:
    """The largest piece of the body, without holes in its slices, and what posterior pieces touch
    it, directly or through each other. Raises CaseError if there is no body."""
    pieces, count = ndimage.label(labels == BODY)
    if count == 0:
        raise CaseError("E_SEGMENTATION", case, "no vertebral body was found")
    body = pieces == 1 + np.argmax(np.bincount(pieces.ravel())[1:])
    body = np.stack([ndimage.binary_fill_holes(part) for part in body])
    whole, _ = ndimage.label(body | (labels == POSTERIOR), np.ones((3, 3, 3)))
    kept = (whole == whole[body][0]) & ~body & (labels == POSTERIOR)
    result = np.zeros_like(labels)
    result[body], result[kept] = BODY, POSTERIOR
    return result
