"""The survey's statistics against known inputs, and a survey of three subjects."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bmdpipe.virtual.dxa.scanner import dxa_reading
from bmdpipe.virtual.dxa.truth import true_vbmd
from bmdpipe.virtual.survey.measure import Surveyed, survey_config, survey_subject
from bmdpipe.virtual.survey.published import DATASET_A, DATASET_B, NORMS
from bmdpipe.virtual.survey.statistics import (
    Moments,
    column,
    correlation,
    difference_percent,
    known_without_image,
    predictability,
    seen_correlation,
)

POSITIONINGS = ("standing", "abduction")


@pytest.fixture(scope="module")
def rows(made) -> list[Surveyed]:
    config = survey_config(made.config, width_px=160)
    return [survey_subject(config, number) for number in (1, 2, 3)]


def test_moments_of_known_values():
    found = Moments.of([1.0, 2.0, 3.0, 4.0])
    assert (found.n, found.mean) == (4, 2.5)
    assert found.sd == pytest.approx(np.sqrt(5 / 3))


def test_fisher_interval_is_the_textbook_one():
    """n = 28, r = 0.5: z = 0.549, standard error 0.2, so 0.156 to 0.736."""
    rng = np.random.default_rng(0)
    a, b = np.linalg.qr(rng.standard_normal((28, 2)))[0].T
    a, b = a - a.mean(), b - b.mean()
    b = b - a * (a @ b) / (a @ a)
    mixed = 0.5 * a / np.linalg.norm(a) + np.sqrt(0.75) * b / np.linalg.norm(b)
    found = correlation(a, mixed)
    assert found.r == pytest.approx(0.5)
    assert found.low == pytest.approx(0.156, abs=1e-3)
    assert found.high == pytest.approx(0.736, abs=1e-3)
    assert found.within(0.4, 0.6)
    assert not found.within(0.6, 1.0)


def test_fisher_interval_holds_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(400):
        a = rng.standard_normal(40)
        b = 0.8 * a + 0.6 * rng.standard_normal(40)
        found = correlation(a, b)
        held += found.low <= 0.8 <= found.high
    assert 0.92 < held / 400 < 0.98


def test_several_images_of_a_subject_do_not_narrow_the_interval():
    rng = np.random.default_rng(2)
    a = rng.standard_normal(20)
    b = a + rng.standard_normal(20)
    once, often = correlation(a, b), correlation(np.tile(a, 4), np.tile(b, 4), n_subjects=20)
    assert often.r == pytest.approx(once.r)
    assert (often.low, often.high) == pytest.approx((once.low, once.high))


def test_too_few_for_an_interval():
    assert np.isnan(correlation([1, 2, 3], [1, 3, 2]).low)


def test_difference_in_per_cent():
    assert difference_percent(0.8349, 0.759) == pytest.approx(10.0)


def test_predictability_sees_a_line_and_nothing_in_noise():
    rng = np.random.default_rng(3)
    features = rng.standard_normal((300, 6))
    line = 3.0 * features[:, 0] - features[:, 2] + 10.0
    assert predictability(features, line).r == pytest.approx(1.0, abs=1e-9)
    half = line / line.std() + rng.standard_normal(300)
    assert predictability(features, half).r == pytest.approx(np.sqrt(0.5), abs=0.1)
    assert abs(predictability(features, rng.standard_normal(300)).r) < 0.25


def test_predictability_does_not_score_what_it_was_fitted_on():
    """As many features as subjects fit anything; on other subjects they predict nothing."""
    rng = np.random.default_rng(4)
    found = predictability(rng.standard_normal((60, 50)), rng.standard_normal(60))
    assert abs(found.r) < 0.5


def test_published_figures_are_the_papers():
    assert (DATASET_A.n, DATASET_B.n) == (275, 305)
    assert round(100 * 250 / 305, 1) == DATASET_B.female_percent
    assert round(100 * 50 / 305, 1) == DATASET_B.osteoporosis_percent
    assert round(100 * 236 / 275, 1) == DATASET_A.female_percent


def test_a_row_holds_what_the_subject_is(made, rows):
    row = rows[1]
    person = made.anatomy.person
    assert (row.sex, row.age_years, row.side) == (person.sex, person.age_years, person.side)
    assert row.subject == "V002"
    # The survey's voxels are others: coarser in the pelvis, here also finer in the femur.
    assert row.dxa_g_cm2 == pytest.approx(dxa_reading(made.config, made.anatomy), rel=0.03)
    assert row.vbmd_mg_cm3 == pytest.approx(true_vbmd(made.anatomy, person.side), rel=0.03)
    assert set(row.radiographs) == set(POSITIONINGS)
    assert set(row.anatomy) == set(NORMS)
    for seen in row.radiographs.values():
        assert 0.1 < seen.intensity < 1.0
        assert 200 < seen.projection_mg_cm2 < 2000


def test_anatomy_is_measured_on_the_built_bones(rows):
    for row in rows:
        built = row.shape["femur_neck_shaft_deg"]
        assert row.anatomy["neck_shaft_deg"] == pytest.approx(built, abs=5)
        assert 100 < 2 * row.anatomy["head_from_midline_mm"] < 230


def test_rows_survive_json(rows):
    raw = json.loads(json.dumps([row.to_json() for row in rows]))
    assert [Surveyed.from_json(entry) for entry in raw] == rows


def test_statistics_of_rows(rows):
    found = seen_correlation(rows, "projection_mg_cm2", "vbmd_mg_cm3")
    assert list(found) == [*POSITIONINGS, "all"]
    assert found["all"].n == 3
    assert known_without_image(rows, shape=False).shape == (3, 3)
    more = known_without_image(rows, shape=True)
    assert more.shape == (3, 3 + len(rows[0].shape))
    assert len(rows[0].shape) >= 12
    assert np.array_equal(column(rows, "age_years"), more[:, 0])
