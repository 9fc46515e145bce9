"""Disease of the hips: shares, bounds, and an examined hip without an implant."""

from __future__ import annotations

import numpy as np
import pytest

from bmdpipe.core.config.virtual.disease import DiseaseConfig
from bmdpipe.virtual.demographics import Person
from bmdpipe.virtual.hip.disease import draw_disease

PEOPLE = [Person(n, "F", 57.6, 23.5, "RL"[n % 2]) for n in range(1, 801)]


def drawn(**changes):
    config = DiseaseConfig(**changes)
    return [(p, draw_disease(config, p, seed=4)) for p in PEOPLE]


def test_shares_follow_the_config():
    hips = drawn(osteoarthritis_fraction=0.6, other_side_fraction=0.35, implant_fraction=0.05)
    ill = np.mean([d[p.side].severity > 0.08 for p, d in hips])
    other = {p.number: d["L" if p.side == "R" else "R"] for p, d in hips}
    # Four standard errors of a share of 800; a few ill hips are too mild to count.
    assert ill == pytest.approx(0.6, abs=0.08)
    assert np.mean([h.severity > 0.08 for h in other.values()]) == pytest.approx(0.21, abs=0.07)
    assert np.mean([h.implant for h in other.values()]) == pytest.approx(0.05, abs=0.031)


def test_an_examined_hip_has_no_implant():
    assert not any(d[p.side].implant for p, d in drawn(implant_fraction=1.0))


def test_no_disease_where_none_is_asked_for():
    for _, hips in drawn(osteoarthritis_fraction=0.0, implant_fraction=0.0):
        assert all(h.grade == 0 and h.severity <= 0.08 for h in hips.values())


def test_mean_severity_is_the_configs():
    severities = [d[p.side].severity for p, d in drawn(osteoarthritis_fraction=1.0, severity=0.45)]
    assert np.mean(severities) == pytest.approx(0.45, abs=0.03)
    assert {d[p.side].grade for p, d in drawn(osteoarthritis_fraction=1.0)} == {0, 1, 2, 3, 4}
