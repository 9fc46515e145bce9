"""Phantoms and T-scores as data: facts, units and names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmdpipe.core.config.roi import REFERENCE_NAMES, RoiConfig
from bmdpipe.densitometry.phantoms import (
    PHANTOMS,
    ha_densities,
    ha_from_k2hpo4,
    k2hpo4_from_ha,
)
from bmdpipe.densitometry.tscore import (
    REFERENCES,
    STANDARDISED,
    standardised_bmd,
    t_score,
    t_scores,
    who_class,
    young_adult_percent,
)


def test_bmas200_has_five_rods_of_hydroxyapatite() -> None:
    phantom = PHANTOMS["B-MAS200"]
    assert ha_densities(phantom) == (0, 50, 100, 150, 200)
    assert phantom.material == "HA"
    assert phantom.in_row


def test_a_k2hpo4_phantom_is_converted_and_never_relabelled() -> None:
    phantom = PHANTOMS["Mindways Model 3 CT"]
    assert phantom.material == "K2HPO4"
    assert phantom.water is not None
    assert len(phantom.water) == len(phantom.densities)
    # Faulkner 1993: HA = 1.15 x K2HPO4 - 7.32
    assert ha_densities(phantom)[-1] == pytest.approx(1.15 * 375.83 - 7.32)


@given(st.floats(-200, 2000))
def test_conversions_undo_each_other(density: float) -> None:
    assert k2hpo4_from_ha(ha_from_k2hpo4(density)) == pytest.approx(density, abs=1e-9)


def test_every_reference_is_named_and_tells_whether_it_was_verified() -> None:
    for name, reference in REFERENCES.items():
        assert reference.name == name
        assert reference.population
        assert reference.source
        assert t_score(reference.mean_g_cm2, name) == 0
        assert t_score(reference.mean_g_cm2 - reference.sd_g_cm2, name) == pytest.approx(-1)
        assert young_adult_percent(reference.mean_g_cm2, name) == 100
    assert not REFERENCES["japan2012-total-hip"].verified
    assert not REFERENCES["nhanes3-total-hip"].verified


def test_an_unknown_reference_is_refused() -> None:
    with pytest.raises(KeyError):
        t_score(0.8, "somebody")


@pytest.mark.parametrize(
    ("score", "expected"),
    [(0.3, "normal"), (-1.0, "normal"), (-1.01, "osteopenia"), (-2.49, "osteopenia"),
     (-2.5, "osteoporosis"), (-4.0, "osteoporosis")],
)  # fmt: skip
def test_who_classes_at_their_borders(score: float, expected: str) -> None:
    assert who_class(score) == expected


def test_standardised_bmd_of_hui_1997() -> None:
    assert standardised_bmd(0.9, "Hologic", "total_hip") == pytest.approx(1000 * (0.006 + 0.9072))
    assert len(STANDARDISED) == 9
    with pytest.raises(KeyError):
        standardised_bmd(0.9, "Other", "total_hip")


def test_scores_carry_the_name_of_their_reference() -> None:
    names = ["nhanes3-total-hip", "japan2012-femoral-neck"]
    scores = t_scores({"total_hip": 0.942 - 2.5 * 0.122, "femoral_neck": 0.787}, names)
    assert list(scores) == names
    assert scores["nhanes3-total-hip"]["t_score"] == pytest.approx(-2.5)
    assert scores["nhanes3-total-hip"]["population"] == "NHANES III, women 20-29 years"
    assert scores["japan2012-femoral-neck"]["young_adult_percent"] == pytest.approx(100)
    assert scores["japan2012-femoral-neck"]["verified"] is False
    assert "nhanes3-total-hip" not in t_scores({"femoral_neck": 0.8}, names)


def test_the_config_offers_every_reference() -> None:
    assert set(REFERENCE_NAMES) == set(REFERENCES)
    with pytest.raises(ValueError, match="'nhanes'"):
        RoiConfig(t_score_references=("nhanes",))
