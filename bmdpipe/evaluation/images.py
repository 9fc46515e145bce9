"""How well a predicted projection agrees with the true one, image by image.

Images are density projections `[h, w]` in mg/cm2.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bmdpipe.evaluation.agreement import NotMeasurable


def psnr(truth: NDArray, estimate: NDArray, peak: float) -> float:
    """Peak signal-to-noise ratio in dB for a given peak value, in the images' unit.

    Raises NotMeasurable for identical images or a peak that is not positive.
    """
    if peak <= 0:
        raise NotMeasurable("the true projections are empty")
    difference = np.asarray(estimate, dtype=float) - np.asarray(truth, dtype=float)
    mse = float(np.mean(difference**2))
    if mse == 0.0:
        raise NotMeasurable("the images are identical")
    return float(10.0 * np.log10(peak**2 / mse))


def dice(truth: NDArray[np.bool_], estimate: NDArray[np.bool_]) -> float:
    """Overlap of two masks. Raises NotMeasurable if both are empty."""
    total = int(truth.sum()) + int(estimate.sum())
    if total == 0:
        raise NotMeasurable("both masks are empty")
    return float(2.0 * np.logical_and(truth, estimate).sum() / total)


def multi_threshold_dice(truth: NDArray, estimate: NDArray, thresholds: Sequence[float]) -> float:
    """Mean Dice of the pixels at or above each threshold; thresholds that neither image reaches are
    left out. Raises NotMeasurable if none is left. Source: Gu 2023 §4.3.1."""
    values = []
    for threshold in thresholds:
        a, b = truth >= threshold, estimate >= threshold
        if a.any() or b.any():
            values.append(dice(a, b))
    if not values:
        raise NotMeasurable("no pixel reaches a threshold")
    return float(np.mean(values))


def mean_intensity(image: NDArray, threshold: float) -> float:
    """Mean of the pixels at or above a threshold. Raises NotMeasurable if there is none."""
    inside = image[image >= threshold]
    if inside.size == 0:
        raise NotMeasurable("no pixel reaches the threshold")
    return float(inside.mean(dtype=float))
