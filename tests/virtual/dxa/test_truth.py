"""The DXA view looks along the right direction, keeps the mass, and its truth is plausible."""

from __future__ import annotations

import numpy as np
import pytest

from bmdpipe.core.labels import SIDES, femur_body
from bmdpipe.geometry.pose import apply
from bmdpipe.virtual.dxa.pose import DEPTH_MM, FAR_MM, dxa_pose, dxa_view
from bmdpipe.virtual.dxa.region import Placement, total_hip
from bmdpipe.virtual.dxa.tissue import femur_mineral, surroundings, with_femur
from bmdpipe.virtual.dxa.truth import proximal_femur, true_abmd, true_vbmd


@pytest.mark.parametrize("side", SIDES)
def test_pose_lays_the_neck_flat_and_the_shaft_upright(made, side):
    landmarks = made.anatomy.femora[side].landmarks
    pose = dxa_pose(landmarks)
    neck = apply(pose, landmarks["head_centre"]) - apply(pose, landmarks["neck_centre"])
    shaft = apply(pose, landmarks["shaft_5cm"]) - apply(pose, landmarks["shaft_2cm"])
    assert abs(shaft[0]) < 1e-6
    assert shaft[1] > 29
    assert abs(neck[2]) < 0.12 * np.linalg.norm(neck), "turned about the vertical first"


@pytest.mark.parametrize("side", SIDES)
def test_leg_turns_about_its_hip_and_lateral_is_outwards(made, side):
    view = dxa_view(made.anatomy, side, 0.5, turn_deg=7.0)
    landmarks = made.anatomy.femora[side].landmarks
    head = landmarks["head_centre"]
    name = femur_body(side)
    assert apply(view.motion, head) == pytest.approx(head, abs=1e-9)
    posed = apply(view.camera_from_world["pelvis"], apply(view.motion, landmarks["shaft_2cm"]))
    at = apply(view.camera_from_world[name], landmarks["shaft_2cm"])
    assert posed == pytest.approx(at, abs=1e-6)
    outwards = 1.0 if side == "L" else -1.0
    assert outwards * (view.pixels["shaft_2cm"][0] - view.pixels["head_centre"][0]) > 20


@pytest.mark.parametrize("side", SIDES)
def test_projection_of_the_dxa_geometry_conserves_mass(made, side):
    """Sum of the projection times the pixel's area at the hip = sum of density times volume.

    The view shows the femur down to 25 mm below the region; the rest is left out of both.
    """
    pixel = 0.5
    view = dxa_view(made.anatomy, side, pixel)
    body = made.anatomy.bodies[femur_body(side)]
    region = proximal_femur(body, made.anatomy.femora[side].landmarks)
    kept = np.where(region, body.density.array, 0).astype(np.float32)
    only = type(body)(
        region.astype(np.float32),
        body.density.__class__(kept, body.density.spacing_mm, body.density.origin_mm, "mg/cm3"),
        body.first,
        body.divide,
    )
    bodies = made.anatomy.bodies | {femur_body(side): only}
    anatomy = made.anatomy.__class__(**{**vars(made.anatomy), "bodies": bodies})
    seen_mm = pixel * (FAR_MM - DEPTH_MM) / FAR_MM
    grams = femur_mineral(anatomy, view).sum(dtype=float) * (seen_mm / 10) ** 2
    truth = kept.sum(dtype=float) * body.density.voxel_mm3 / 1e6
    assert grams == pytest.approx(truth, rel=1e-3)


def test_marrow_fat_takes_the_place_of_as_much_muscle(made):
    config, side = made.config.dxa, made.anatomy.person.side
    view = dxa_view(made.anatomy, side, 1.0)
    around = surroundings(config, made.anatomy, view)
    lean, fatty = (with_femur(around, made.anatomy, view, share) for share in (0.0, 1.0))
    lost = (lean.lean - fatty.lean).sum(dtype=float) / 1.05
    gained = (fatty.fat - lean.fat).sum(dtype=float) / 0.95
    assert gained == pytest.approx(lost, rel=0.02)
    inside = fatty.femur > 0.3
    assert 1.0 < (fatty.fat - lean.fat)[inside].mean() < 6.0


@pytest.mark.parametrize("side", SIDES)
def test_true_values_are_plausible_and_those_of_the_truth_file(made, side):
    assert made.truth["vbmd_mg_cm3"][side] == pytest.approx(true_vbmd(made.anatomy, side))
    assert 100 < made.truth["vbmd_mg_cm3"][side] < 550
    assert 0.3 < made.truth["abmd_g_cm2"][side] < 1.5


def test_finer_pixels_hardly_change_the_areal_value(made):
    fine = made.config.dxa.model_copy(update={"pixel_mm": 0.25})
    assert true_abmd(fine, made.anatomy, "R") == pytest.approx(
        made.truth["abmd_g_cm2"]["R"], rel=0.01
    )


PIXELS = {
    "head_centre": np.array([30.0, 30.0]),
    "neck_centre": np.array([50.0, 50.0]),
    "junction_superior": np.array([50.0, 30.0]),
    "junction_inferior": np.array([30.0, 50.0]),
    "junction_anterior": np.array([40.0, 40.0]),
    "junction_posterior": np.array([40.0, 40.0]),
    "shaft_2cm": np.array([60.0, 80.0]),
    "shaft_5cm": np.array([60.0, 95.0]),
}


def test_region_lies_between_the_cuts():
    region = total_hip(np.ones((100, 100), bool), PIXELS, 1.0)
    rows, columns = np.nonzero(region)
    assert rows.max() == 80
    assert (rows + columns).min() == 80


def test_placement_moves_and_tilts_the_cuts():
    bone = np.ones((100, 100), bool)
    placed = total_hip(bone, PIXELS, 1.0, Placement(distal_mm=4.0, proximal_mm=np.sqrt(2) * 5.0))
    rows, columns = np.nonzero(placed)
    assert rows.max() == 84
    assert (rows + columns).min() == 90
    tilted = total_hip(bone, PIXELS, 1.0, Placement(tilt_deg=45.0))
    rows, columns = np.nonzero(tilted)
    assert {rows.min(), columns.min()} == {0, 40}


def test_only_the_largest_piece_counts_and_none_is_refused():
    bone = np.zeros((100, 100), bool)
    bone[60:75, 45:75] = True
    bone[60:70, 90:95] = True
    assert total_hip(bone, PIXELS, 1.0).sum() == 15 * 30
    with pytest.raises(ValueError, match="no bone"):
        total_hip(np.zeros((100, 100), bool), PIXELS, 1.0)
