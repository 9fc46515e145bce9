"""Bone density of the lumbar cohort: truth, its spread, and what the CT shows of it."""

from __future__ import annotations

import numpy as np
import pytest

from bmdpipe.core.config.virtual.lumbar import LumbarBoneConfig
from bmdpipe.virtual.demographics import Person, draw_person
from bmdpipe.virtual.lumbar.simulate import BODY, POSTERIOR, make_lumbar_case
from bmdpipe.virtual.lumbar.traits import draw_mineral, lost_with_age


@pytest.fixture(scope="module")
def table(cases) -> np.ndarray:
    """Age, density of the core, areal density, mean HU of the core."""
    rows = [
        (
            c.person.age_years,
            c.vbmd_mg_cm3,
            c.abmd_g_cm2,
            c.ct.array[c.core.array > 0].mean(),
        )
        for c in cases
    ]
    return np.array(rows).T


def test_core_density_is_the_voxels_mean(cases):
    for case in cases[:8]:
        assert case.vbmd_mg_cm3 == pytest.approx(case.density.array[case.core.array > 0].mean())


def test_core_hu_follows_density_through_the_scanners_scale(cases, table):
    slopes = np.array([c.scale.slope for c in cases])
    intercepts = np.array([c.scale.intercept for c in cases])
    read = slopes * table[3] + intercepts
    # A noise of 13 HU over some hundred voxels leaves about 2 mg/cm3.
    assert np.abs(read - table[1]).max() < 6.0
    assert np.corrcoef(table[3], table[1])[0, 1] > 0.97


def test_density_falls_with_age_but_is_not_told_by_it(small, cases):
    people = [draw_person(small.demographics, small.seed, n) for n in range(1, 601)]
    core = np.array([draw_mineral(small, person)[0] for person in people])
    r = np.corrcoef([person.age_years for person in people], core)[0, 1]
    assert -0.8 < r < -0.4
    made = [case.vbmd_mg_cm3 for case in cases]
    assert np.corrcoef(core[: len(made)], made)[0, 1] > 0.95


@pytest.mark.parametrize("sex", ["F", "M"])
def test_loss_with_age_is_steady_and_worst_in_women_past_fifty(sex):
    kept = np.array([lost_with_age(sex, age) for age in range(25, 91)])
    assert kept[0] == 1.0
    assert (np.diff(kept) < 0).all()
    assert lost_with_age("F", 60) < lost_with_age("M", 60)


def test_spread_at_one_age_is_the_configured_one(small):
    config = small.model_copy(update={"bone": LumbarBoneConfig(trabecular_sd_mg_cm3=20.0)})
    drawn = [draw_mineral(config, Person(n, "F", 45.0, 23.5, "R"))[0] for n in range(1, 600)]
    assert np.std(drawn) == pytest.approx(20.0, rel=0.1)


def test_areal_density_is_in_the_clinical_range_and_related_to_the_core(table):
    # L1 by DXA, men and women: 0.96 to 1.00 +- 0.13 g/cm2 (Biology Direct 2025, 20:627, table 1).
    assert 0.80 < table[2].mean() < 1.10
    assert 0.08 < table[2].std() < 0.22
    assert 0.4 < np.corrcoef(table[1], table[2])[0, 1] < 0.95


def test_wear_raises_areal_density_and_not_the_core(small):
    aged = small.model_copy(update={"degeneration": 2.0, "calcification": 2.0})
    young = small.model_copy(update={"degeneration": 0.0, "calcification": 0.0})
    gains = []
    for number in (1, 2):
        worn, fresh = make_lumbar_case(aged, number), make_lumbar_case(young, number)
        gains.append(worn.abmd_g_cm2 / fresh.abmd_g_cm2)
        assert worn.vbmd_mg_cm3 == pytest.approx(fresh.vbmd_mg_cm3, rel=0.06)
    assert np.mean(gains) > 1.02


def test_body_and_posterior_elements_are_apart_and_of_human_size(cases):
    for case in cases:
        labels, middle = case.labels.array, len(case.labels.array) // 2
        assert set(np.unique(labels)) == {0, BODY, POSTERIOR}
        pixel = case.ct.spacing_mm[0] * case.ct.spacing_mm[1]
        body = (labels[middle] == BODY).sum() * pixel
        # Mid-vertebral cross-sections of adults are about 8 to 14 cm2 (unverified).
        assert 700 < body < 1600
        rows = [np.nonzero(labels == value)[1].mean() for value in (BODY, POSTERIOR)]
        assert rows[0] < rows[1], "the body lies in front"
        assert 0.2 < (labels == POSTERIOR).sum() / (labels == BODY).sum() < 1.0


def test_cortex_is_denser_than_the_core(cases):
    for case in cases[:6]:
        body = case.labels.array == BODY
        assert np.percentile(case.density.array[body], 95) > 1.4 * case.vbmd_mg_cm3


def test_noise_has_the_configured_size_in_the_liver_or_muscle(small):
    quiet = make_lumbar_case(small.model_copy(update={"noise_hu": 0.0}), 4)
    noisy = make_lumbar_case(small.model_copy(update={"noise_hu": 20.0}), 4)
    difference = (noisy.ct.array - quiet.ct.array).astype(float)[:, 60:100, 60:100]
    level = 20.0 * np.exp(0.025 * (noisy.person.bmi - 23.5))
    assert difference.std() == pytest.approx(level, rel=0.12)
