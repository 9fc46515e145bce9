"""Positionings move the joints as an examiner would."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bmdpipe.core.config.virtual.disease import DiseaseConfig
from bmdpipe.core.config.virtual.positioning import PositioningConfig
from bmdpipe.core.labels import SIDES, femur_body
from bmdpipe.geometry.joint import JointAngles, joint_angles, joint_motion
from bmdpipe.geometry.pose import apply, inverse
from bmdpipe.virtual.hip.disease import HipDisease
from bmdpipe.virtual.hip.positioning import contracture_deg, draw_exposure

POSITIONINGS = ("standing", "supine", "abduction", "adduction")
UP, DOWN = np.array([0.0, 0.0, 1.0]), np.array([0.0, 0.0, -1.0])


@pytest.fixture(scope="module")
def exposures(made):
    """Exposures of many subjects that share the bones of one."""

    def draw(name, n=40, **changes):
        config = made.config.model_copy(update=changes)
        people = [replace(made.anatomy.person, number=k) for k in range(1, n + 1)]
        return [draw_exposure(config, replace(made.anatomy, person=p), name) for p in people]

    return draw


@given(st.floats(-30, 35), st.floats(-25, 30), st.floats(-40, 40), st.sampled_from(SIDES))
@settings(max_examples=50, deadline=None)
def test_angles_are_recovered_from_the_motion(flexion, abduction, rotation, side):
    angles = JointAngles(flexion, abduction, rotation)
    centre = np.array([80.0, 3.0, -2.0])
    motion = joint_motion(angles, side, centre)
    np.testing.assert_allclose(apply(motion, centre), centre, atol=1e-9)
    got = joint_angles(motion, side)
    for name in ("flexion", "abduction", "external_rotation"):
        assert getattr(got, name) == pytest.approx(getattr(angles, name), abs=1e-6)


@pytest.mark.parametrize("side", SIDES)
def test_directions_of_the_angles(side):
    """A hanging leg: flexion brings it forward, abduction outward; toes turn out."""
    outward = 1.0 if side == "L" else -1.0
    toes = np.array([0.0, -1.0, 0.0])

    def moved(vector, **angles):
        joints = JointAngles(**{"flexion": 0, "abduction": 0, "external_rotation": 0, **angles})
        return joint_motion(joints, side, np.zeros(3))[:3, :3] @ vector

    assert moved(DOWN, flexion=10)[1] == pytest.approx(-np.sin(np.radians(10)))
    assert moved(DOWN, abduction=10)[0] * outward == pytest.approx(np.sin(np.radians(10)))
    assert moved(toes, external_rotation=10)[0] * outward == pytest.approx(np.sin(np.radians(10)))


@pytest.mark.parametrize("positioning", POSITIONINGS)
def test_recorded_angles_are_those_of_the_poses(exposures, positioning):
    for exposure in exposures(positioning, n=3):
        for side in SIDES:
            relative = (
                inverse(exposure.camera_from_ct["pelvis"])
                @ exposure.camera_from_ct[femur_body(side)]
            )
            got = joint_angles(relative, side)
            truth = exposure.joints[side]
            for name in ("flexion", "abduction", "external_rotation"):
                assert getattr(got, name) == pytest.approx(getattr(truth, name), abs=1e-6)


def test_means_of_the_positionings(exposures):
    """Averages over subjects: intended abduction and adduction, legs turned in or relaxed."""
    healthy = {"disease": DiseaseConfig(osteoarthritis_fraction=0.0, other_side_fraction=0.0)}

    def mean(positioning, name, **positioning_changes):
        changes = {**healthy, "positioning": PositioningConfig(**positioning_changes)}
        drawn = exposures(positioning, n=25, **changes)
        return np.mean([getattr(e.joints[s], name) for e in drawn for s in SIDES])

    # Means of 50 hips; four standard errors stay below 2.5 degrees.
    assert mean("abduction", "abduction") == pytest.approx(0.85 * 15.0, abs=2.5)
    assert mean("adduction", "abduction") == pytest.approx(-0.6 * 0.85 * 15.0, abs=2.5)
    assert mean("supine", "abduction") == pytest.approx(0.0, abs=2.5)
    assert mean("supine", "external_rotation", turned_in_fraction=0.0) == pytest.approx(12, abs=2.5)
    assert mean("supine", "external_rotation", turned_in_fraction=1.0) == pytest.approx(
        -12, abs=2.5
    )
    assert mean("standing", "external_rotation") == pytest.approx(0.0, abs=2.5)


def test_the_pelvis_of_one_who_stands_tilts_back_and_the_legs_stay_upright(exposures):
    standing, supine = exposures("standing"), exposures("supine")

    def backwards(drawn, body):
        # The camera's z axis is posterior in an AP view.
        return np.degrees(np.arcsin([(e.camera_from_ct[body][:3, :3] @ UP)[2] for e in drawn]))

    tilt = backwards(standing, "pelvis").mean() - backwards(supine, "pelvis").mean()
    legs = backwards(standing, "femur_l").mean() - backwards(supine, "femur_l").mean()
    assert tilt == pytest.approx(5.0, abs=2.0)
    assert abs(legs) < 0.6 * tilt


def test_contractures_only_in_severe_hips(made):
    hip = HipDisease(0.9, 0.5, 0.5, 0.5, 0.3, False)
    mild = replace(hip, severity=0.3)
    config = made.config
    angles = np.array([contracture_deg(config, n, "R", hip) for n in range(1, 401)])
    assert np.mean(angles > 0) == pytest.approx(config.positioning.contracture_fraction, abs=0.08)
    assert angles.max() <= config.positioning.contracture_max_deg
    assert angles[angles > 0].min() > 5.0
    assert not any(contracture_deg(config, n, "R", mild) for n in range(1, 100))


def test_a_contracture_shows_in_every_positioning(exposures):
    """With all hips severely arthritic and contracted, no hip is stretched."""
    changes = {
        "disease": DiseaseConfig(
            osteoarthritis_fraction=1.0, other_side_fraction=1.0, severity=0.9
        ),
        "positioning": PositioningConfig(contracture_fraction=1.0),
    }
    drawn = {p: exposures(p, n=12, **changes) for p in ("standing", "supine")}
    flexed = {p: [e.joints["R"].flexion > 9.0 for e in drawn[p]] for p in drawn}
    assert flexed["standing"] == flexed["supine"]
    assert sum(flexed["supine"]) >= 4


def test_soft_tissue_of_an_exposure_is_its_own(exposures):
    first = exposures("supine", n=1)[0].soft.contents
    second = exposures("abduction", n=1)[0].soft.contents
    again = exposures("supine", n=1)[0].soft.contents
    np.testing.assert_array_equal(first.table, again.table)
    assert first.table.shape != second.table.shape or not np.allclose(first.table, second.table)
