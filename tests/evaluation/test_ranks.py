"""Ranks and ROC areas against SciPy and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import rankdata
from sklearn.metrics import roc_auc_score

from bmdpipe.evaluation.ranks import area_under_roc, mid_ranks


@pytest.mark.parametrize("values", [1, 4, 1000])
def test_ranks_and_areas_with_and_without_ties(values):
    rng = np.random.default_rng(values)
    score = rng.integers(0, values, 60) / 7.0
    positive = rng.random(60) < 0.3
    np.testing.assert_array_equal(mid_ranks(score), rankdata(score))
    assert area_under_roc(positive, score) == pytest.approx(roc_auc_score(positive, score))
