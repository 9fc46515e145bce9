"""Summary score, consistency and regions on maps whose agreement is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from bmdpipe.explain.agreement import consistency, share_inside, smoothed, summary_score
from bmdpipe.explain.regions import by_region

RANDOM = np.random.default_rng(0)
INSIDE = np.ones((20, 20, 10), bool)
INSIDE[:3] = False


def test_maps_of_one_order_agree_whatever_their_scale() -> None:
    base = RANDOM.random(INSIDE.shape)
    found = consistency({"a": base, "b": np.exp(5 * base), "c": 3 * base}, INSIDE, 0.05)
    assert found is not None
    assert found.rank_correlation == pytest.approx(1.0)
    assert found.concordance == pytest.approx(1.0)
    assert found.overlap == 1.0
    np.testing.assert_allclose(
        summary_score([base, 7 * base], INSIDE)[INSIDE].argsort(), base[INSIDE].argsort()
    )


def test_independent_maps_agree_by_chance_only() -> None:
    maps = {name: RANDOM.random(INSIDE.shape) for name in "abcde"}
    found = consistency(maps, INSIDE, 0.1)
    assert found is not None
    assert abs(found.rank_correlation) < 0.05
    assert found.overlap == pytest.approx(0.1, abs=0.04)
    rho = [
        spearmanr(maps[i][INSIDE], maps[j][INSIDE]).statistic for i in maps for j in maps if i < j
    ]
    assert found.rank_correlation == pytest.approx(np.mean(rho))


def test_the_score_finds_what_noisy_maps_share() -> None:
    site = np.zeros(INSIDE.shape, bool)
    site[10:13, 5:9, 2:6] = True
    maps = [RANDOM.standard_normal(INSIDE.shape) + 1.2 * site for _ in range(8)]
    score = summary_score(maps, INSIDE)
    assert (score[~INSIDE] == 0).all()
    alone = [share_inside(each, INSIDE, site, 0.01) for each in maps]
    assert share_inside(score, INSIDE, site, 0.01) > max(alone)


def test_smoothing_spreads_a_point_by_its_width_and_keeps_what_is_even() -> None:
    point = np.zeros((21, 21, 21))
    point[10, 10, 10] = 1.0
    spread = smoothed(point, np.ones(point.shape, bool), 4.0)
    half = spread[10, 10, 12] / spread[10, 10, 10]
    assert half == pytest.approx(0.5, abs=1e-3), "half the height at half the width"
    assert spread.sum() == pytest.approx(1.0, abs=1e-3)
    even = smoothed(np.full(INSIDE.shape, 3.0), INSIDE, 4.0)
    np.testing.assert_allclose(even[INSIDE], 3.0, err_msg="the mask's border is no edge of a map")
    assert (even[~INSIDE] == 0).all()
    base = RANDOM.random(INSIDE.shape)
    np.testing.assert_array_equal(smoothed(base, INSIDE, 0.0)[INSIDE], base[INSIDE])


def test_a_constant_map_is_at_chance_and_says_nothing() -> None:
    site = RANDOM.random(INSIDE.shape) < 0.3
    assert share_inside(np.ones(INSIDE.shape), INSIDE, site, 0.2) == pytest.approx(0.3, abs=0.06)
    base = RANDOM.random(INSIDE.shape)
    assert consistency({"a": base, "b": np.ones(INSIDE.shape)}, INSIDE, 0.1) is None
    with pytest.raises(ValueError, match="constant"):
        summary_score([np.ones(INSIDE.shape)], INSIDE)


def test_regions_share_the_map() -> None:
    atlas = np.zeros((10, 10), int)
    atlas[:5], atlas[5:8] = 1, 2
    score = np.where(atlas == 2, 3.0, 1.0)
    rows = by_region(score, atlas, {0: "none", 1: "large", 2: "small", 3: "absent"})
    assert [row.region for row in rows] == ["small", "large"]
    assert rows[0].share == pytest.approx(90 / 140)
    assert rows[0].volume == pytest.approx(30 / 80)
    assert rows[1].density == pytest.approx((50 / 140) / (50 / 80))
