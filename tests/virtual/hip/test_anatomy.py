"""Bones are where their parameters say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bmdpipe.core.labels import SIDES, femur_body, femur_label
from bmdpipe.geometry.landmarks import JUNCTION, LANDMARKS
from bmdpipe.virtual.dxa.truth import proximal_femur
from bmdpipe.virtual.shape.primitives import COLUMNS, bone_distance, cone, slab


@given(
    st.lists(st.floats(-20, 20), min_size=3, max_size=3),
    st.lists(st.floats(-30, 30), min_size=9, max_size=9),
)
@settings(max_examples=60, deadline=None)
def test_slab_distance_is_to_the_closest_point_of_its_triangle(point, corners):
    corners = np.array(corners).reshape(3, 3)
    grid = np.linspace(0, 1, 81)
    u, v = (a[np.add.outer(grid, grid) <= 1] for a in np.meshgrid(grid, grid, indexing="ij"))
    on_triangle = corners[0] + u[:, None] * (corners[1] - corners[0])
    on_triangle = on_triangle + v[:, None] * (corners[2] - corners[0])
    nearest = np.linalg.norm(on_triangle - point, axis=1).min()
    table = slab(corners, [2, 2, 2], 1.0, 1, 1)[None]
    got = bone_distance(table, np.empty((0, COLUMNS)), *point)
    assert got <= nearest - 2 + 1e-6
    assert got == pytest.approx(nearest - 2, abs=1.1)


def test_ball_distance_is_exact():
    table = cone([1, 2, 3], [1, 2, 3], 5, 5, 1.0, 1, 1)[None]
    assert bone_distance(table, np.empty((0, COLUMNS)), 1.0, 2.0, 13.0) == pytest.approx(5.0)


@pytest.mark.parametrize("side", SIDES)
def test_landmarks_lie_on_their_own_femur(made, side):
    labels, points = made.scan.labels, made.truth["landmarks"][side]
    assert set(points) == set(LANDMARKS)
    for name in ("head_centre", "neck_centre", "shaft_2cm", "shaft_5cm"):
        i, j, k = np.rint(labels.index_at(np.array(points[name]))).astype(int)
        if name.startswith("shaft"):
            window = labels.array[k, j - 3 : j + 4, i - 3 : i + 4]
            assert femur_label(side) in window
        else:
            assert labels.array[k, j, i] == femur_label(side)
    femur = made.anatomy.femora[side]
    for name in JUNCTION:
        assert abs(femur.bone.distance(points[name])) < 0.02


@pytest.mark.parametrize("side", SIDES)
def test_directions_of_landmarks(made, side):
    points = {n: np.array(p) for n, p in made.truth["landmarks"][side].items()}
    lateral = 1.0 if side == "L" else -1.0
    assert np.sign(points["head_centre"][0]) == lateral
    assert (points["neck_centre"] - points["head_centre"])[0] * lateral > 0
    assert points["junction_superior"][2] > points["junction_inferior"][2]
    assert points["junction_anterior"][1] < points["junction_posterior"][1]
    assert points["shaft_2cm"][2] - points["shaft_5cm"][2] == pytest.approx(30, abs=3)
    lesser = made.anatomy.femora[side].lesser_trochanter_mm
    assert lesser[2] - points["shaft_2cm"][2] == pytest.approx(20, abs=4)
    assert (lesser[0] - points["shaft_2cm"][0]) * lateral < 0


def test_femora_and_pelvis_do_not_touch(made, on_one_grid):
    """There is a joint space: no CT voxel holds two bones for more than its partial volume."""
    shares = on_one_grid([*made.anatomy.bodies.values()])
    assert sum(shares).max() <= 1.001
    assert (np.sum([s >= 0.5 for s in shares], axis=0) <= 1).all()


def test_right_and_left_differ_and_lie_on_their_sides(made):
    x = made.scan.labels.world_at(np.zeros((1, 3)))[0, 0]
    columns = x + made.scan.labels.spacing_mm[0] * np.arange(made.scan.labels.size[0])
    right, left = (columns[np.any(made.scan.labels.array == v, axis=(0, 1))] for v in (2, 3))
    assert right.max() < 0 < left.min()
    volumes = [made.anatomy.bodies[femur_body(s)].fraction.sum() for s in SIDES]
    assert volumes[0] != volumes[1]
    assert volumes[0] == pytest.approx(volumes[1], rel=0.25)


def test_femur_reaches_below_the_lesser_trochanter(made):
    lowest = made.scan.labels.origin_mm[2]
    for side in SIDES:
        assert made.anatomy.femora[side].lesser_trochanter_mm[2] - lowest >= 69.9
        assert (made.scan.labels.array[0] == femur_label(side)).any()


def test_proximal_region_is_one_piece_between_its_cuts(made):
    body = made.anatomy.bodies["femur_r"]
    landmarks = made.anatomy.femora["R"].landmarks
    region = proximal_femur(body, landmarks)
    k, j, i = np.nonzero(region)
    world = body.density.world_at(np.column_stack([i, j, k]))
    assert 40_000 < region.sum() * body.density.voxel_mm3 < 140_000
    assert world[:, 2].min() > landmarks["shaft_2cm"][2] - 8
    assert np.linalg.norm(world - landmarks["head_centre"], axis=1).min() > 8
