"""Pelvic measures of drawn subjects against the literature; geometry only."""

from __future__ import annotations

import numpy as np
import pytest

from bmdpipe.core.labels import SIDES
from bmdpipe.virtual.demographics import draw_person
from bmdpipe.virtual.hip.acetabulum import sockets
from bmdpipe.virtual.hip.disease import HipDisease
from bmdpipe.virtual.hip.hip_bone_form import WING
from bmdpipe.virtual.hip.mineral import Mineral
from bmdpipe.virtual.hip.pelvimetry import (
    inter_teardrop_mm,
    interspinous_mm,
    intertuberous_mm,
    subpubic_angle_deg,
)
from bmdpipe.virtual.hip.pelvis import build_pelvis
from bmdpipe.virtual.hip.pelvis_shape import CORNERS, placed
from bmdpipe.virtual.hip.pelvis_traits import draw_pelvis

WELL = dict.fromkeys(SIDES, HipDisease(0.0, 0.0, 0.0, 0.0, 0.0, False))


@pytest.fixture(scope="module")
def drawn(configured):
    """Traits of 30 women and of 30 men."""
    config = configured()
    found = {"F": [], "M": []}
    number = 0
    while min(len(v) for v in found.values()) < 30:
        number += 1
        person = draw_person(config.demographics, config.seed, number)
        found[person.sex].append(draw_pelvis(person, config.seed, tuple(CORNERS)))
    return {sex: traits[:30] for sex, traits in found.items()}


@pytest.mark.parametrize(
    ("sex", "measure", "mean", "sd"),
    [
        # CT, volume rendered, 50 women and 50 men: brieflands.com/articles/ijradiology-82368.
        ("F", subpubic_angle_deg, 82.9, 15.1),
        ("M", subpubic_angle_deg, 67.9, 9.2),
        # MR of 710 women: PLoS One 2023, 18(8), e0289814.
        ("F", interspinous_mm, 108.9, 8.0),
        ("F", intertuberous_mm, 122.0, 11.8),
    ],
)
def test_pelvimetry_is_the_literatures(drawn, sex, measure, mean, sd):
    values = np.array([measure(traits) for traits in drawn[sex]])
    assert abs(values.mean() - mean) < 0.75 * sd
    assert 0.25 * sd < values.std() < 1.5 * sd


def test_womens_outlet_is_wider(drawn):
    for measure in (subpubic_angle_deg, interspinous_mm, intertuberous_mm):
        women, men = ([measure(t) for t in drawn[sex]] for sex in ("F", "M"))
        assert np.mean(women) > np.mean(men) + np.std(men)


def test_teardrops_lie_inside_the_hip_joints(drawn):
    for traits in drawn["F"] + drawn["M"]:
        heads = dict.fromkeys(SIDES, 0.128 * traits.hip_distance_mm)
        between = inter_teardrop_mm(traits, sockets(traits, heads, WELL))
        assert 0.55 * traits.hip_distance_mm < between < 0.75 * traits.hip_distance_mm
        assert 90.0 < between < 140.0


def test_sides_differ_a_little(drawn):
    for traits in drawn["F"]:
        right, left = (
            placed(traits, WING, side)[..., :3] * s for side, s in (("R", (-1, 1, 1)), ("L", 1))
        )
        apart = np.linalg.norm(right - left, axis=-1)
        assert 0.1 < apart.mean() < 5.0


def test_same_seed_same_tables(configured):
    config = configured()
    person = draw_person(config.demographics, config.seed, 4)
    one, two = (
        build_pelvis(
            draw_pelvis(person, config.seed, tuple(CORNERS)),
            Mineral(1.0, 1.0, 1050.0, 1.0, 1.0, 1.0, 1.0),
            dict.fromkeys(SIDES, 22.0),
            WELL,
        )
        for _ in range(2)
    )
    for a, b in zip(one.bones, two.bones, strict=True):
        assert np.array_equal(a.solids, b.solids)
        assert np.array_equal(a.cuts, b.cuts)
        assert np.array_equal(a.struts, b.struts)
