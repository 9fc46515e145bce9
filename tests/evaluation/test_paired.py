"""DeLong against its definition, McNemar against statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score
from statsmodels.stats.contingency_tables import mcnemar as reference

from bmdpipe.evaluation.agreement import NotMeasurable
from bmdpipe.evaluation.bootstrap import Sample
from bmdpipe.evaluation.paired import delong, mcnemar
from bmdpipe.evaluation.suppression_study import compare


def scores(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    truth = np.repeat([0, 1], [23, 17])
    shared = random.normal(0, 1, 40) + 0.8 * truth
    # Rounded, so that there are ties.
    return truth, np.round(shared, 1), np.round(shared + random.normal(0, 0.7, 40), 1)


def by_definition(truth: np.ndarray, first: np.ndarray, second: np.ndarray) -> float:
    """p from the kernel of every pair, DeLong 1988, eq. 3 to 7."""
    v10, v01, aucs = [], [], []
    for score in (first, second):
        x, y = score[truth == 1], score[truth == 0]
        kernel = (x[:, None] > y[None]) + 0.5 * (x[:, None] == y[None])
        v10.append(kernel.mean(axis=1))
        v01.append(kernel.mean(axis=0))
        aucs.append(kernel.mean())
    s = np.cov(v10) / len(v10[0]) + np.cov(v01) / len(v01[0])
    z = (aucs[1] - aucs[0]) / np.sqrt(s[0, 0] + s[1, 1] - 2 * s[0, 1])
    return float(2 * norm.sf(abs(z)))


@pytest.mark.parametrize("seed", range(3))
def test_delong_is_its_definition(seed: int) -> None:
    truth, first, second = scores(seed)
    told = delong(truth, first, second)
    assert told.first == pytest.approx(roc_auc_score(truth, first))
    assert told.second == pytest.approx(roc_auc_score(truth, second))
    assert told.p == pytest.approx(by_definition(truth, first, second))


def test_p_is_uniform_where_there_is_no_difference() -> None:
    random = np.random.default_rng(5)
    truth = np.repeat([0, 1], 60)
    p = [delong(truth, *(truth + 1.5 * random.standard_normal((2, 120)))).p for _ in range(400)]
    assert 0.02 < np.mean(np.array(p) < 0.05) < 0.09


def test_equal_scores_cannot_be_compared() -> None:
    truth, first, _ = scores(0)
    with pytest.raises(NotMeasurable, match="alike"):
        delong(truth, first, 3 * first)


def test_mcnemar_is_that_of_statsmodels() -> None:
    random = np.random.default_rng(1)
    a, b = random.random((2, 60)) < [[0.8], [0.6]]
    told = mcnemar(a, b)
    table = [[(a & b).sum(), (a & ~b).sum()], [(~a & b).sum(), (~a & ~b).sum()]]
    assert told.p == pytest.approx(reference(table, exact=True).pvalue)
    assert mcnemar(a, a).p == 1.0


def sample(order: np.ndarray, truth: np.ndarray, score: np.ndarray) -> Sample:
    probability = np.stack([1 - score, score], axis=1)[order]
    names = np.array([f"s{k:02d}" for k in range(len(truth))])
    return Sample(truth[order], probability, names[order], np.zeros(len(truth), int))


def test_the_order_of_subjects_does_not_count_and_their_identity_does() -> None:
    truth, first, second = scores(0)
    first, second = (1 / (1 + np.exp(-s)) for s in (first, second))
    order = np.random.default_rng(0).permutation(len(truth))
    straight = compare(sample(np.arange(40), truth, first), sample(np.arange(40), truth, second))
    mixed = compare(sample(np.arange(40), truth, first), sample(order, truth, second))
    assert straight == mixed
    with pytest.raises(ValueError, match="same subjects"):
        compare(sample(np.arange(39), truth, first), sample(order, truth, second))
