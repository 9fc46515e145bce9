"""Landmarks, region and BMD on a femur whose geometry is known exactly."""

from __future__ import annotations

import numpy as np
import pytest

from bmdpipe.core.config.roi import RoiConfig
from bmdpipe.core.errors import CaseError
from bmdpipe.core.volume import Volume
from bmdpipe.densitometry.areal import areal_view, dxa_pose
from bmdpipe.densitometry.femur import femur_mask, find_landmarks
from bmdpipe.densitometry.proximal_femur import measure_femur
from bmdpipe.densitometry.region import junction_plane, neck_region, proximal_region
from bmdpipe.geometry.landmarks import JUNCTION, LANDMARKS
from tests.densitometry.analytic_femur import analytic_femur

CASES = {
    "right": {},
    "left": {"side": "L"},
    "small": {"scale": 0.85},
    "large, fine voxels": {"scale": 1.15, "side": "L", "spacing_mm": (0.8, 0.8, 1.0)},
    "thick slices": {"spacing_mm": (1.0, 1.0, 4.0)},
    "turned": {"tilt_deg": (6.0, -5.0, 10.0)},
    "turned, left": {"tilt_deg": (-8.0, 6.0, -20.0), "side": "L"},
    "valgus, anteverted": {"anteversion_deg": 30.0, "neck_shaft_deg": 135.0},
    "varus, retroverted": {"anteversion_deg": -5.0, "neck_shaft_deg": 118.0},
}


def density_of(labels: Volume, value: float) -> Volume:
    return labels.like(np.full(labels.array.shape, value, np.float32), "mg/cm3")


def found_in(labels: Volume, side: str):
    return find_landmarks(labels, side, "V001")


@pytest.mark.parametrize("name", CASES)
def test_landmarks_are_within_millimetres_of_the_truth(name: str) -> None:
    options = CASES[name]
    labels, truth = analytic_femur(**options)
    found = found_in(labels, options.get("side", "R"))
    error = {n: float(np.linalg.norm(found.points[n] - truth[n])) for n in LANDMARKS}
    limits = {"head_centre": 0.5, "neck_centre": 2.0, "shaft_2cm": 2.0, "shaft_5cm": 2.0}
    assert all(error[n] < limits.get(n, 2.5) for n in LANDMARKS), error
    assert found.head_radius_mm == pytest.approx(24.0 * options.get("scale", 1.0), abs=0.6)
    assert found.confidence > 0.8
    assert not found.warnings


def test_mirrored_femora_have_mirrored_landmarks() -> None:
    right, _ = analytic_femur(shift_mm=(0.0, 0.0, 0.0))
    x = right.origin_mm[0] + (right.size[0] - 1) * right.spacing_mm[0]
    left = Volume(
        np.where(right.array[:, :, ::-1] > 0, 3, 0).astype(np.uint8),
        right.spacing_mm,
        (-x, *right.origin_mm[1:]),
        "label",
    )
    a, b = found_in(right, "R"), found_in(left, "L")
    for name in LANDMARKS:
        np.testing.assert_allclose(a.points[name] * [-1, 1, 1], b.points[name], atol=0.3)


def test_a_short_shaft_is_extrapolated_with_a_warning_and_a_shorter_one_refused() -> None:
    labels, truth = analytic_femur(shaft_mm=35.0)
    found = found_in(labels, "R")
    assert [w.code for w in found.warnings] == ["W_LANDMARKS"]
    assert "extrapolated" in found.warnings[0].text
    assert np.linalg.norm(found.points["shaft_5cm"] - truth["shaft_5cm"]) < 2.0
    short, _ = analytic_femur(shaft_mm=14.0)
    with pytest.raises(CaseError, match="E_FOV"):
        found_in(short, "R")


def test_a_shaft_notched_at_its_end_keeps_its_landmarks() -> None:
    """A network that misses half of a section near the end leaves the axis outside of the bone
    there."""
    labels, truth = analytic_femur()
    notched = labels.array.copy()
    columns = np.nonzero(notched[2])[1]
    notched[2, :, : int(columns.mean()) + 3] = 0
    found = found_in(labels.like(notched, labels.unit), "R")
    for name in ("head_centre", "neck_centre", "shaft_2cm", "shaft_5cm"):
        assert np.linalg.norm(found.points[name] - truth[name]) < 2.0, name


def test_a_head_cut_by_the_field_of_view_is_refused() -> None:
    labels, truth = analytic_femur()
    top = int(labels.index_at(truth["head_centre"])[2]) + 3
    with pytest.raises(CaseError, match="E_FOV"):
        found_in(labels.crop(slice(0, top), slice(None), slice(None)), "R")
    side = int(labels.index_at(truth["head_centre"])[0]) + 3
    with pytest.raises(CaseError, match="E_FOV"):
        found_in(labels.crop(slice(None), slice(None), slice(0, side)), "R")


def test_what_is_no_femur_is_refused() -> None:
    labels, _ = analytic_femur()
    with pytest.raises(CaseError, match="E_SEGMENTATION"):
        found_in(labels, "L")
    _, y, x = np.indices((60, 50, 50))
    rod = np.where((x - 25) ** 2 + (y - 25) ** 2 < 15**2, 2, 0).astype(np.uint8)
    rod[-3:] = 0
    stick = Volume(rod, (1.5, 1.5, 3.0), (0.0, 0.0, 0.0), "label")
    with pytest.raises(CaseError, match="E_LANDMARKS"):
        found_in(stick, "R")


def test_uniform_density_is_the_vbmd_whatever_lies_around_it() -> None:
    labels, _ = analytic_femur()
    landmarks, config = found_in(labels, "R"), RoiConfig(abmd_pixel_mm=1.0)
    density = labels.like(np.where(labels.array > 0, 312, 900).astype(np.int16), "mg/cm3")
    measured = measure_femur(density, labels, "R", landmarks, "V001", config)
    assert measured.vbmd_mg_cm3 == 312
    # Soft tissue or metal beside the bone never enters the projection.
    inside = measure_femur(density_of(labels, 312), labels, "R", landmarks, "V001", config)
    assert measured.view.abmd_g_cm2 == pytest.approx(inside.view.abmd_g_cm2, rel=1e-5)


def test_region_lies_between_the_planes_and_is_one_piece() -> None:
    labels, truth = analytic_femur()
    region = proximal_region(labels, femur_mask(labels, "R"), truth)
    points = labels.world_at(np.argwhere(region)[:, ::-1])
    middle, normal = junction_plane(truth)
    up = truth["shaft_2cm"] - truth["shaft_5cm"]
    assert ((points - middle) @ normal >= -1e-9).all()
    assert ((points - truth["shaft_2cm"]) @ up >= -1e-9).all()
    for name in JUNCTION:
        assert abs((truth[name] - middle) @ normal) < 1e-6


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (1.5, 1.5, 3.0), (0.8, 0.8, 2.0)])
def test_areal_bmd_of_a_slab_is_density_times_thickness(spacing) -> None:
    """A block of 60 x 30 x 120 mm at 250 mg/cm3: 0.75 g/cm2 whatever the voxels."""
    size = np.round(np.array([60, 30, 120]) / spacing).astype(int)
    mask = np.pad(np.ones(size[::-1], bool), 2)
    grid = Volume(mask.astype(np.uint8), spacing, (-50.0, -20.0, -70.0), "label")
    thickness = size[1] * spacing[1]
    landmarks = {name: np.zeros(3) for name in LANDMARKS}
    middle = grid.world_at((np.array(mask.shape[::-1]) - 1) / 2)
    # The junction's line lies beyond the block's medial face, the cut below its lower one.
    landmarks["head_centre"] = middle + np.array([60, 0, 0])
    landmarks["neck_centre"] = middle
    for name, shift in zip(JUNCTION, ((0, 0, 15), (0, 0, -15), (0, -9, 0), (0, 9, 0)), strict=True):
        landmarks[name] = middle + np.array([45, 0, 0]) + np.array(shift)
    landmarks["shaft_2cm"] = middle - [0, 0, 70]
    landmarks["shaft_5cm"] = middle - [0, 0, 100]
    view = areal_view(density_of(grid, 250.0), mask, landmarks, 0.5, 0.5)
    assert view.abmd_g_cm2 == pytest.approx(250e-4 * thickness, rel=0.02)
    area = size[0] * spacing[0] * size[2] * spacing[2] / 100
    assert view.area_cm2 == pytest.approx(area, rel=0.02)


def test_dxa_pose_brings_neck_into_the_coronal_plane_and_shaft_upright() -> None:
    for side in ("R", "L"):
        _, truth = analytic_femur(side=side, tilt_deg=(6.0, -5.0, 12.0))
        rotation = dxa_pose(truth)
        neck = rotation @ (truth["neck_centre"] - truth["head_centre"])
        shaft = rotation @ (truth["shaft_2cm"] - truth["shaft_5cm"])
        # The second turn keeps y, so the neck stays in the plane.
        assert abs(neck[1]) < 1e-9
        assert abs(shaft[0]) < 1e-9
        assert shaft[2] > 0
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(rotation) == pytest.approx(1)
        assert np.sign(neck[0]) == (-1 if side == "R" else 1)


def test_areal_bmd_does_not_depend_on_how_the_leg_lies() -> None:
    values = []
    for tilt in ((0.0, 0.0, 0.0), (0.0, 4.0, 15.0), (0.0, -4.0, -15.0)):
        labels, truth = analytic_femur(tilt_deg=tilt, spacing_mm=(1.5, 1.5, 1.5))
        mask = femur_mask(labels, "R")
        values.append(areal_view(density_of(labels, 300), mask, truth, 0.5, 1.0).abmd_g_cm2)
    assert max(values) / min(values) < 1.02


def test_units_are_checked() -> None:
    labels, truth = analytic_femur()
    with pytest.raises(ValueError, match="mg/cm3"):
        areal_view(labels, femur_mask(labels, "R"), truth, 1.0, 1.0)


def test_the_neck_is_a_band_of_one_centimetre() -> None:
    labels, truth = analytic_femur(spacing_mm=(1.0, 1.0, 1.0))
    landmarks = found_in(labels, "R")
    config = RoiConfig(abmd_pixel_mm=0.5)
    found = measure_femur(density_of(labels, 300.0), labels, "R", landmarks, "V001", config)
    neck = neck_region(labels, found.region, truth, 10.0)
    # A cylinder of 15.5 mm radius, 10 mm long.
    assert neck.sum() / 1000 == pytest.approx(np.pi * 1.55**2, rel=0.06)
    assert found.neck_vbmd_mg_cm3 == pytest.approx(300.0)
    area = found.view.neck.sum() * 0.5**2 / 100
    assert area == pytest.approx(3.1, rel=0.1)
    # The mean chord of a circle is pi/2 times its radius.
    expected = 300e-4 * np.pi / 2 * 15.5
    assert found.view.neck_abmd_g_cm2 == pytest.approx(expected, rel=0.07)
