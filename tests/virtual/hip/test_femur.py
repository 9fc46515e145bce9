"""The femur's shape: where its parts are, what varies, and what disease does to it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bmdpipe.geometry.landmarks import JUNCTION
from bmdpipe.virtual.demographics import Person
from bmdpipe.virtual.hip.femur_shape import head_reach_mm
from bmdpipe.virtual.hip.femur_traits import draw_femora
from bmdpipe.virtual.hip.fine_grid import box

DIRECTIONS = np.random.default_rng(1).standard_normal((400, 3))
DIRECTIONS /= np.linalg.norm(DIRECTIONS, axis=1, keepdims=True)


def edge(bone, inside, direction):
    """Distance along a ray to the surface, by the last of many samples inside the bone."""
    steps = np.arange(0.0, 45.0, 0.05)
    values = np.array([bone.distance(inside + s * direction) for s in steps])
    return float(steps[values < 0].max())


def test_healthy_head_is_a_ball(femur_of):
    femur = femur_of()
    radius = femur.frame.traits.head_radius_mm
    world = DIRECTIONS @ femur.frame.place.T
    away = (DIRECTIONS @ femur.frame.neck < 0.2) & (DIRECTIONS[:, 0] > -0.75)
    distances = [femur.bone.distance(femur.frame.centre_mm + radius * d) for d in world[away]]
    assert np.abs(distances).max() < 0.05


def test_fovea_is_a_dent_on_the_medial_side(femur_of):
    femur = femur_of()
    radius = femur.frame.traits.head_radius_mm
    medial = femur.frame.place @ (np.array([-0.93, 0.12, -0.22]) / 0.9632)
    assert 1.0 < radius - edge(femur.bone, femur.frame.centre_mm, medial) < 5.0


def test_neck_is_narrower_than_the_head_and_elliptic(femur_of):
    femur = femur_of()
    points = femur.landmarks
    tall = np.linalg.norm(points["junction_superior"] - points["junction_inferior"])
    frame = femur.frame
    middle = frame.at(frame.neck * 0.55 * frame.traits.neck_length_mm)
    high, low, back, front = (
        edge(femur.bone, middle, frame.place @ d)
        for d in (frame.superior, -frame.superior, frame.backward, -frame.backward)
    )
    assert high + low < 2 * frame.traits.head_radius_mm
    assert high + low <= tall + 2.0
    ratio = (back + front) / (high + low)
    assert ratio == pytest.approx(frame.traits.neck_depth_ratio, abs=0.06)


def test_lesser_trochanter_is_a_posteromedial_bump(femur_of):
    femur = femur_of()
    frame, level = femur.frame, femur.frame.traits.lesser_level_mm
    axis = frame.at(frame.shaft_point(level))
    bump = frame.place @ np.array([-0.82, 0.57, 0.0])
    mirrored = frame.place @ np.array([0.82, 0.57, 0.0])
    assert edge(femur.bone, axis, bump) > edge(femur.bone, axis, mirrored) + 5.0


def test_greater_trochanter_overhangs_its_fossa(femur_of):
    """Behind the neck's root there is a hollow, and the tip stands lateral of it."""
    frame, bone = femur_of().frame, femur_of().bone
    assert bone.distance(frame.by_joint(6, 7, 30)) < 0
    assert bone.distance(frame.by_joint(-6, 12, 24)) > 0
    assert bone.distance(frame.by_joint(15, 1, 0)) < 0


def test_shaft_has_no_bumps(femur_of):
    """Below the trochanters the second difference of every edge is that of a smooth bow."""
    femur = femur_of()
    frame = femur.frame
    levels = np.arange(-75.0, -165.0, -3.0)
    for direction in np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0]], dtype=float):
        across = frame.place @ direction
        radii = [edge(femur.bone, frame.at(frame.shaft_point(z)), across) for z in levels]
        assert np.abs(np.diff(radii, 2)).max() < 0.16
        assert min(radii) > 10.0


@pytest.mark.parametrize("osteophytes", [0.0, 1.0])
def test_landmarks_of_the_junction_lie_on_the_surface(femur_of, healthy, osteophytes):
    femur = femur_of(disease=replace(healthy, osteophytes=osteophytes, deformity=0.5))
    for name in JUNCTION:
        assert abs(femur.bone.distance(femur.landmarks[name])) < 0.02


def test_osteophytes_stand_out_at_the_junction(femur_of, healthy):
    plain, spurred = (femur_of(disease=replace(healthy, osteophytes=o)) for o in (0.0, 1.0))
    frame = plain.frame
    reach = np.linalg.norm(plain.landmarks["junction_inferior"] - frame.centre_mm)
    assert reach > 0
    ring = frame.at(frame.neck * 0.55 * frame.traits.head_radius_mm)
    for direction in (frame.superior, -frame.superior):
        across = frame.place @ direction
        assert edge(spurred.bone, ring, across) > edge(plain.bone, ring, across) + 1.0


def test_deformed_head_is_flat_on_top_and_broad(femur_of, healthy):
    plain, ill = (femur_of(disease=replace(healthy, deformity=d)) for d in (0.0, 0.6))
    up = plain.frame.place @ np.array([-0.34, 0.0, 0.94])
    front = plain.frame.place @ np.array([0.0, -1.0, 0.0])
    centre = plain.frame.centre_mm
    assert edge(ill.bone, centre, up) < edge(plain.bone, centre, up) - 1.5
    assert edge(ill.bone, centre, front) > edge(plain.bone, centre, front) + 0.5
    assert ill.frame.traits.neck_length_mm < plain.frame.traits.neck_length_mm
    assert edge(ill.bone, centre, front) <= head_reach_mm(ill.frame) + 0.05


def test_box_holds_the_whole_bone(femur_of):
    femur = femur_of()
    low, high = box([femur.bone])
    rng = np.random.default_rng(0)
    for axis in range(3):
        for bound in (low, high):
            points = rng.uniform(low, high, (300, 3))
            points[:, axis] = bound[axis]
            assert min(femur.bone.distance(p) for p in points) > 0


def test_sexes_differ_as_published(healthy):
    both = {"R": healthy, "L": healthy}
    drawn = {
        sex: [draw_femora(Person(n, sex, 57, 23, "L"), both, 1) for n in range(1, 400)]
        for sex in "FM"
    }
    mean = {
        sex: {
            trait: np.mean([getattr(f["L"], trait) for f in femora])
            for trait in ("head_radius_mm", "anteversion_deg", "neck_shaft_deg")
        }
        for sex, femora in drawn.items()
    }
    # Cho 2015: head diameters 43.25 and 48.50 mm; PMC4775021: torsion 16.4 and 12.1 degrees.
    assert 2 * mean["F"]["head_radius_mm"] == pytest.approx(43.25, abs=0.6)
    assert 2 * mean["M"]["head_radius_mm"] == pytest.approx(48.50, abs=0.6)
    assert mean["F"]["anteversion_deg"] == pytest.approx(16.4, abs=1.2)
    assert mean["M"]["anteversion_deg"] == pytest.approx(12.1, abs=1.2)


def test_sides_are_alike_but_not_the_same(healthy):
    both = {"R": healthy, "L": healthy}
    pairs = [draw_femora(Person(n, "F", 57, 23, "L"), both, 1) for n in range(1, 300)]
    right, left = (np.array([p[s].neck_shaft_deg for p in pairs]) for s in ("R", "L"))
    assert (right != left).all()
    assert 0.8 < np.corrcoef(right, left)[0, 1] < 0.99
