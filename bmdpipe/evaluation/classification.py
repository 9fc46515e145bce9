"""How well classes are told, and how far the stated confidence can be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bmdpipe.evaluation.agreement import NotMeasurable
from bmdpipe.evaluation.bootstrap import Sample, Statistic
from bmdpipe.evaluation.ranks import area_under_roc

BINS = 10


def told_by(truth: NDArray, probability: NDArray, group: NDArray, fold: NDArray) -> Sample:
    """Held-out cases: true class `[n]`, probabilities `[n, classes]`, the group `[n]` that is drawn
    as one in a bootstrap, and the fold `[n]`."""
    return Sample(np.asarray(truth, dtype=np.int64), np.asarray(probability, float), group, fold)


def classes_told(told: Sample) -> NDArray[np.int64]:
    return told.estimate.argmax(axis=1)


def confusion(told: Sample) -> NDArray[np.int64]:
    """Counts `[true, told]`."""
    count = told.estimate.shape[1]
    return np.bincount(told.truth * count + classes_told(told), minlength=count**2).reshape(
        count, count
    )


def accuracy(told: Sample) -> float:
    return float((classes_told(told) == told.truth).mean())


def balanced_accuracy(told: Sample) -> float:
    """Mean over the classes of the share of their cases that is told right."""
    matrix = confusion(told)
    sizes = matrix.sum(axis=1)
    if (sizes == 0).any():
        raise NotMeasurable("a class has no case")
    return float((matrix.diagonal() / sizes).mean())


def auc(told: Sample) -> float:
    """Area under the ROC curve of the second of two classes (Mann-Whitney)."""
    _two_classes(told)
    positive = told.truth == 1
    if positive.all() or not positive.any():
        raise NotMeasurable("a class has no case")
    return area_under_roc(positive, told.estimate[:, 1])


def sensitivity(told: Sample) -> float:
    return _quotient(_counts(told), ("tp",), ("tp", "fn"))


def specificity(told: Sample) -> float:
    return _quotient(_counts(told), ("tn",), ("tn", "fp"))


def precision(told: Sample) -> float:
    return _quotient(_counts(told), ("tp",), ("tp", "fp"))


def f_score(told: Sample) -> float:
    """The harmonic mean of sensitivity and precision."""
    c = _counts(told)
    below = 2 * c["tp"] + c["fp"] + c["fn"]
    if not below:
        raise NotMeasurable("nothing is positive")
    return 2 * c["tp"] / below


def mcc(told: Sample) -> float:
    """Matthews' correlation coefficient."""
    c = _counts(told)
    below = (c["tp"] + c["fp"]) * (c["tp"] + c["fn"]) * (c["tn"] + c["fp"]) * (c["tn"] + c["fn"])
    if not below:
        raise NotMeasurable("a class has no case, or is never told")
    return float((c["tp"] * c["tn"] - c["fp"] * c["fn"]) / np.sqrt(float(below)))


def brier(told: Sample) -> float:
    """Mean squared distance of the probabilities from the truth, over all classes (Brier 1950)."""
    wanted = np.eye(told.estimate.shape[1])[told.truth]
    return float(((told.estimate - wanted) ** 2).sum(axis=1).mean())


def calibration_error(told: Sample) -> float:
    """Expected calibration error over ten bins of confidence (Guo 2017, eq. 3)."""
    return float(sum(b.share * abs(b.accuracy - b.confidence) for b in reliability(told)))


def mean_confidence(told: Sample) -> float:
    return float(told.estimate.max(axis=1).mean())


@dataclass(frozen=True)
class Bin:
    """Cases of about one confidence: their share of all, mean confidence and accuracy."""

    share: float
    confidence: float
    accuracy: float


def reliability(told: Sample) -> list[Bin]:
    """The bins of confidence that hold a case, from the least to the most confident."""
    place = np.minimum((told.estimate.max(axis=1) * BINS).astype(int), BINS - 1)
    right = classes_told(told) == told.truth
    return [
        Bin(
            float((place == k).mean()),
            float(told.estimate.max(axis=1)[place == k].mean()),
            float(right[place == k].mean()),
        )
        for k in np.unique(place)
    ]


STATISTICS: dict[str, Statistic] = {
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "auc": auc,
    "sensitivity": sensitivity,
    "specificity": specificity,
    "precision": precision,
    "f_score": f_score,
    "mcc": mcc,
    "confidence": mean_confidence,
    "brier": brier,
    "calibration_error": calibration_error,
}
"""For `evaluation.summary.summarise`, which adds intervals over groups and values by fold."""


def _two_classes(told: Sample) -> None:
    if told.estimate.shape[1] != 2:
        raise NotMeasurable("there are not two classes")


def _counts(told: Sample) -> dict[str, int]:
    _two_classes(told)
    (tn, fp), (fn, tp) = confusion(told).tolist()
    return {"tn": tn, "fp": fp, "fn": fn, "tp": tp}


def _quotient(counts: Mapping[str, int], above: tuple[str, ...], below: tuple[str, ...]) -> float:
    total = sum(counts[name] for name in below)
    if not total:
        raise NotMeasurable("there is no case to divide by")
    return sum(counts[name] for name in above) / total
