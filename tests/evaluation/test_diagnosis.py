"""Diagnosis of osteoporosis against the rank formula, and the reference that it names."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from scipy import stats

from bmdpipe.core.config.evaluation import OsteoporosisReference
from bmdpipe.densitometry.tscore import REFERENCES, t_score, who_class
from bmdpipe.evaluation.agreement import NotMeasurable
from bmdpipe.evaluation.bootstrap import Sample
from bmdpipe.evaluation.diagnosis import cut_off, describe_reference, diagnostic_statistics

REFERENCE = "nhanes3-femoral-neck"


def sample(noise: float, n: int = 200) -> Sample:
    random = np.random.default_rng(3)
    truth = random.normal(0.7, 0.15, n)
    return Sample(truth, truth + noise * random.normal(size=n), np.arange(n), np.zeros(n))


def test_the_config_offers_the_references_that_exist() -> None:
    assert set(get_args(OsteoporosisReference)) == set(REFERENCES)


@pytest.mark.parametrize("name", REFERENCES)
def test_cut_off_is_where_the_class_changes(name: str) -> None:
    limit = cut_off(name)
    assert who_class(t_score(limit - 1e-9, name)) == "osteoporosis"
    assert who_class(t_score(limit + 1e-6, name)) == "osteopenia"
    assert describe_reference(name)["cut_off_g_cm2"] == limit


def test_auc_is_the_share_of_pairs_in_the_right_order() -> None:
    s = sample(0.1)
    ill = s.truth <= cut_off(REFERENCE)
    u = stats.mannwhitneyu(-s.estimate[ill], -s.estimate[~ill]).statistic
    found = diagnostic_statistics(REFERENCE)["auc"](s)
    assert found == pytest.approx(u / (ill.sum() * (~ill).sum()))


def test_the_truth_diagnoses_itself_and_a_constant_does_not() -> None:
    perfect, statistics = sample(0.0), diagnostic_statistics(REFERENCE)
    assert {name: s(perfect) for name, s in statistics.items()} == {
        "auc": 1.0,
        "sensitivity": 1.0,
        "specificity": 1.0,
    }
    constant = Sample(perfect.truth, np.full(len(perfect), 0.9), perfect.subject, perfect.fold)
    assert {name: s(constant) for name, s in statistics.items()} == {
        "auc": 0.5,
        "sensitivity": 0.0,
        "specificity": 1.0,
    }


def test_a_cohort_of_the_healthy_has_no_auc() -> None:
    healthy = Sample(np.full(5, 1.0), np.full(5, 1.0), np.arange(5), np.zeros(5))
    for statistic in diagnostic_statistics(REFERENCE).values():
        with pytest.raises(NotMeasurable):
            statistic(healthy)
