"""Classification metrics against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from bmdpipe.evaluation import classification as ours
from bmdpipe.evaluation.agreement import NotMeasurable

RANDOM = np.random.default_rng(0)


def sample(n: int = 200, classes: int = 2):
    truth = RANDOM.integers(classes, size=n)
    logits = RANDOM.standard_normal((n, classes)) + 1.2 * np.eye(classes)[truth]
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return ours.told_by(truth, p, np.arange(n).astype(str), np.array(["0"] * n))


def test_two_classes_are_sklearns() -> None:
    s = sample()
    told = s.estimate.argmax(axis=1)
    expected = {
        "accuracy": metrics.accuracy_score(s.truth, told),
        "balanced_accuracy": metrics.balanced_accuracy_score(s.truth, told),
        "auc": metrics.roc_auc_score(s.truth, s.estimate[:, 1]),
        "sensitivity": metrics.recall_score(s.truth, told),
        "specificity": metrics.recall_score(s.truth, told, pos_label=0),
        "precision": metrics.precision_score(s.truth, told),
        "f_score": metrics.f1_score(s.truth, told),
        "mcc": metrics.matthews_corrcoef(s.truth, told),
        # scikit-learn's is of one class; both classes of a pair are off by as much
        "brier": 2 * metrics.brier_score_loss(s.truth, s.estimate[:, 1]),
    }
    for name, value in expected.items():
        assert ours.STATISTICS[name](s) == pytest.approx(value), name


def test_more_classes() -> None:
    s = sample(classes=3)
    told = s.estimate.argmax(axis=1)
    assert np.array_equal(ours.confusion(s), metrics.confusion_matrix(s.truth, told))
    assert ours.balanced_accuracy(s) == pytest.approx(
        metrics.balanced_accuracy_score(s.truth, told)
    )
    with pytest.raises(NotMeasurable):
        ours.auc(s)


def test_calibration_of_a_forecast_that_is_known() -> None:
    """Nine of ten right at a confidence of 0.9 is calibrated; at 0.99 it is off by 0.09."""
    truth = np.array([0] * 90 + [1] * 10)
    for stated, error in ((0.9, 0.0), (0.99, 0.09)):
        p = np.tile([stated, 1 - stated], (100, 1))
        s = ours.told_by(truth, p, np.arange(100).astype(str), np.array(["0"] * 100))
        assert ours.calibration_error(s) == pytest.approx(error)
        (bin_,) = ours.reliability(s)
        assert (bin_.share, bin_.accuracy) == (1.0, 0.9)
        assert bin_.confidence == pytest.approx(stated)
