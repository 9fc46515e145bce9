"""Stages against a hand-made truth with known errors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from bmdpipe.core.atomic import read_json, write_json
from bmdpipe.core.errors import CaseError
from bmdpipe.core.image import Image
from bmdpipe.core.layout import Layout
from bmdpipe.core.records import Record, Refusal, write_record
from bmdpipe.core.volume import Volume
from bmdpipe.evaluation.stages.grid import labels_on
from bmdpipe.evaluation.stages.registration import pose_errors
from bmdpipe.evaluation.stages.segmentation import surface_distance_mm, surface_points_mm
from bmdpipe.geometry.camera import Camera, ap_pose
from bmdpipe.geometry.landmarks import LANDMARKS
from bmdpipe.geometry.pose import about, apply, rigid
from bmdpipe.imaging.nifti import write_image, write_volume
from bmdpipe.projection.body import Body
from bmdpipe.projection.density import density_projection
from workflow_scripts.evaluate_stages import evaluate_stages
from workflow_scripts.job import Job

CAMERA = Camera.centred(1100.0, (0.8, 0.8), (500, 400))
POINTS = np.random.default_rng(0).uniform([50, -20, 10], [110, 40, 70], (200, 3))
TRUTH = ap_pose(np.array([0.0, 0.0, 0.0]), CAMERA, 900.0)


# In the box of the right femur: head, neck, four junction points on z = 55, shaft at z = 30 and 20.
POINTS_OF_FEMUR = [
    *([-24.0, 50.0, 60.0], [-24.0, 50.0, 50.0]),
    *([-19.0, 50.0, 55.0], [-29.0, 50.0, 55.0], [-24.0, 45.0, 55.0], [-24.0, 55.0, 55.0]),
    *([-24.0, 50.0, 30.0], [-24.0, 50.0, 20.0]),
]


def labels() -> Volume:
    """Three boxes, one per body, in a world away from the origin."""
    array = np.zeros((30, 40, 60), np.uint8)
    array[5:25, 10:30, 20:40] = 1
    array[3:20, 12:28, 5:17] = 2
    array[3:20, 12:28, 43:55] = 3
    return Volume(array, (1.5, 1.5, 3.0), (-40.0, 20.0, 7.0), "label")


@pytest.mark.parametrize(
    ("shift", "in_plane", "depth"),
    [((3, 0, 0), 3.0, 0.0), ((0, -3, 0), 3.0, 0.0), ((0, 0, 3), 0.0, 3.0), ((3, 4, -5), 5.0, -5.0)],
)
def test_a_shift_along_the_cameras_axes_is_measured(shift, in_plane, depth) -> None:
    errors = pose_errors(CAMERA, rigid(np.eye(3), np.array(shift)) @ TRUTH, CAMERA, TRUTH, POINTS)
    assert errors["in_plane_mm"] == pytest.approx(in_plane, abs=1e-9)
    assert errors["depth_mm"] == pytest.approx(depth, abs=1e-9)
    assert errors["rotation_deg"] == pytest.approx(0.0, abs=1e-5)


def test_an_in_plane_shift_of_3_mm_reprojects_3_mm_away_at_the_bone() -> None:
    near_axis = POINTS - POINTS.mean(axis=0)
    found = rigid(np.eye(3), np.array([3.0, 0.0, 0.0])) @ TRUTH
    errors = pose_errors(CAMERA, found, CAMERA, TRUTH, near_axis)
    assert errors["reprojection_mean_mm"] == pytest.approx(3.0, rel=0.005)
    assert errors["reprojection_median_mm"] == pytest.approx(3.0, rel=0.005)


def test_a_shift_along_the_ray_does_not_reproject() -> None:
    point = POINTS[:1]
    along = apply(TRUTH, point)[0]
    found = rigid(np.eye(3), 10.0 * along / np.linalg.norm(along)) @ TRUTH
    errors = pose_errors(CAMERA, found, CAMERA, TRUTH, point)
    assert errors["reprojection_mean_mm"] == pytest.approx(0.0, abs=1e-9)


def test_a_turn_about_the_centre_moves_points_by_their_arc() -> None:
    turn = about(POINTS.mean(axis=0), np.array([0.0, 0.0, 4.0]), np.zeros(3))
    errors = pose_errors(CAMERA, TRUTH @ turn, CAMERA, TRUTH, POINTS)
    assert errors["rotation_deg"] == pytest.approx(4.0)
    moved = apply(TRUTH @ turn, POINTS) - apply(TRUTH, POINTS)
    assert errors["in_plane_mm"] == pytest.approx(np.hypot(moved[:, 0], moved[:, 1]).mean())
    assert errors["depth_mm"] == pytest.approx(0.0, abs=1e-9)
    assert errors["reprojection_mean_mm"] > 0.1


def test_the_same_detector_with_other_pixels_changes_nothing() -> None:
    found = rigid(np.eye(3), np.array([1.0, 2.0, 0.0])) @ TRUTH
    whole = pose_errors(CAMERA, found, CAMERA, TRUTH, POINTS)
    half = pose_errors(CAMERA.resized((250, 200)), found, CAMERA, TRUTH, POINTS)
    assert half == pytest.approx(whole)


def test_a_wrong_source_distance_is_made_good_by_depth_up_to_perspective() -> None:
    assumed = replace(CAMERA, sdd_mm=1000.0)
    found = rigid(np.eye(3), np.array([0.0, 0.0, -900.0 * 0.1 / 1.1])) @ TRUTH
    near_axis = (POINTS - POINTS.mean(axis=0)) * [1, 0, 1]
    errors = pose_errors(assumed, found, CAMERA, TRUTH, near_axis)
    assert errors["reprojection_mean_mm"] < 1e-6
    assert errors["depth_mm"] == pytest.approx(-81.8, abs=0.1)


def test_surface_distance_is_the_one_of_brute_force() -> None:
    grid = labels()
    first = grid.array == 1
    second = np.roll(first, 2, axis=2)
    a, b = surface_points_mm(first, grid), surface_points_mm(second, grid)
    distance = np.linalg.norm(a[:, None] - b[None], axis=2)
    both = np.concatenate([distance.min(axis=0), distance.min(axis=1)])
    assert surface_distance_mm(first, second, grid) == pytest.approx(both.mean())
    assert surface_distance_mm(first, first, grid) == 0.0


def test_the_surface_is_the_contour_of_simpleitk() -> None:
    grid = labels()
    mask = grid.array == 1
    contour = sitk.GetArrayFromImage(
        sitk.LabelContour(sitk.GetImageFromArray(mask.astype(np.uint8)), fullyConnected=False)
    )
    index = np.argwhere(contour)[:, ::-1]
    expected = grid.world_at(index)
    assert sorted(map(tuple, surface_points_mm(mask, grid))) == sorted(map(tuple, expected))


def test_labels_move_to_another_grid_of_the_same_world() -> None:
    there = labels()
    flipped = Volume(
        there.array[:, ::-1].copy(),
        there.spacing_mm,
        tuple(there.world_at(np.array([0, there.size[1] - 1, 0]))),
        "label",
        np.diag([1.0, -1.0, 1.0]),
    )
    assert np.array_equal(labels_on(flipped, there).array, there.array)
    assert labels_on(there, there) is there
    moved = there.crop(slice(2, 20), slice(3, 33), slice(4, 50))
    assert np.array_equal(labels_on(there, moved).array, moved.array)


STAGES = ("calibrate", "segment", "roi", "register", "project")


class Tree:
    """A result tree of two subjects whose errors are known; the second's region was refused."""

    def __init__(self, root: Path) -> None:
        self.layout = Layout(str(root), "c")
        for subject in ("V001", "V002"):
            self.write(subject)

    def at(self, stage: str, subject: str) -> Path:
        return Path(self.layout.at(stage, subject=subject))

    def write(self, subject: str) -> None:
        landmarks = dict(zip(LANDMARKS, POINTS_OF_FEMUR, strict=True))
        bodies = {b: TRUTH.tolist() for b in ("pelvis", "femur_r", "femur_l")}
        truth = {
            "hu": {"slope": 0.8, "intercept": -4.0},
            "landmarks": {"R": landmarks, "L": landmarks},
            "vbmd_mg_cm3": {"R": 300.0, "L": 280.0},
            "abmd_g_cm2": {"R": 0.8, "L": 0.7},
            "radiographs": {"standing": {"camera": CAMERA.to_json(), "camera_from_ct": bodies}},
        }
        write_json(self.at("simulate", subject) / "truth/truth.json", truth)
        write_volume(self.at("simulate", subject) / "truth/labels.nii.gz", labels())
        grid = labels()
        density = grid.like(np.where(grid.array > 0, 400.0, -20.0).astype(np.float32), "mg/cm3")
        write_volume(self.at("simulate", subject) / "truth/density.nii.gz", density)
        write_json(self.at("import", subject) / "subject.json", {"side": "R"})
        # HU 255 is 200 mg/cm3 in truth; here 0.84 x 255 - 4 = 210.2, 5.1 % too much
        write_json(
            self.at("calibrate", subject) / "calibration.json",
            {"slope": 0.84, "intercept": -4.0, "correlation": 0.9999},
        )
        found = labels()
        found.array[found.array == 2] = 0
        found.array[3:20, 12:28, 6:18] = 2  # one voxel of 1.5 mm to the side
        write_volume(self.at("segment", subject) / "labels.nii.gz", found)
        write_json(
            self.at("segment", subject) / "segmentation.json",
            {"structures": {"femur_r": {"predicted_dice": 0.9}}},
        )
        off = {n: [p[0], p[1] + 3.0, p[2] + 4.0] for n, p in landmarks.items()}
        write_json(self.at("roi", subject) / "landmarks.json", {"R": {"points": off}})
        write_json(
            self.at("roi", subject) / "roi.json",
            {"R": {"vbmd_mg_cm3": 315.0, "abmd_g_cm2": 0.72}},
        )
        moved = (rigid(np.eye(3), np.array([3.0, 0.0, 0.0])) @ TRUTH).tolist()
        poses = {
            "pelvis": {"camera_from_ct": TRUTH.tolist(), "ok": True},
            "femur_r": {"camera_from_ct": moved, "ok": True},
        }
        write_json(
            self.at("register", subject) / "poses.json",
            {"standing": {"camera": CAMERA.to_json(), "bodies": poses}},
        )
        # the box's part between the planes z = 30 and 55, a tenth too dense, at the true pose
        z = grid.world_at(np.stack([np.zeros(30), np.zeros(30), np.arange(30)], axis=1))[:, 2]
        region = (grid.array == 2) & ((z >= 30) & (z <= 55))[:, None, None]
        dense = density.like(density.array * 1.1, "mg/cm3")
        small = CAMERA.resized((250, 200))
        image = density_projection([(Body.from_volume(dense, region), TRUTH)], small)
        write_image(
            self.at("project", subject) / "standing_pf.nii.gz",
            Image(image, small.spacing_mm, "mg/cm2"),
        )
        for stage in STAGES:
            write_record(self.at(stage, subject), Record(stage, subject))

    def refuse(self, subject: str, stage: str, code: str, recorded_by: tuple[str, ...]) -> None:
        refusal = Refusal.of(CaseError(code, subject, "look"), stage)
        for later in recorded_by:
            write_record(self.at(later, subject), Record(later, subject, refusal))

    def run(self, out: Path) -> dict:
        out.mkdir()
        subjects = {"subjects": ["V001", "V002"]}
        job = Job("evaluate_stages", self.layout, {}, {"evaluation": {}}, subjects, 1, "")
        outcome = evaluate_stages(job, out)
        assert (out / "stages.png").read_bytes().startswith(b"\x89PNG")
        assert all(np.isfinite(list(outcome.metrics.values.values())))
        return read_json(out / "evaluation.json")["stages"]


def test_known_errors_come_out(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    stages = tree.run(tmp_path / "out")
    calibrate = stages["calibrate"]["summary"]
    assert calibrate["slope_error_percent"]["median"] == pytest.approx(5.0)
    assert calibrate["rod_200_error_percent"]["median"] == pytest.approx(5.1)
    assert calibrate["intercept_error_mg_cm3"]["median"] == 0.0

    segment = stages["segment"]["by_structure"]
    assert segment["pelvis"]["dice"]["median"] == 1.0
    assert segment["pelvis"]["asd_mm"]["worst"] == 0.0
    assert segment["femur_r"]["dice"]["median"] == pytest.approx(11 / 12)
    assert 0.0 < segment["femur_r"]["asd_mm"]["median"] < 1.5
    assert segment["femur_r"]["predicted_dice_error"]["signed_median"] == pytest.approx(
        0.9 - 11 / 12
    )
    assert segment["femur_l"]["predicted_dice_error"]["n"] == 0

    roi = stages["roi"]["target_side"]
    assert roi["landmark_mean_mm"]["median"] == pytest.approx(5.0)
    assert roi["vbmd_error_percent"]["signed_median"] == pytest.approx(5.0)
    assert roi["abmd_error_percent"]["signed_median"] == pytest.approx(-10.0)
    assert roi["abmd_error_percent"]["median"] == pytest.approx(10.0)

    register = stages["register"]["by_body"]
    assert register["pelvis"]["reprojection_mean_mm"]["worst"] == pytest.approx(0.0, abs=1e-9)
    assert register["femur_r"]["in_plane_mm"]["median"] == pytest.approx(3.0)
    assert register["femur_r"]["reprojection_mean_mm"]["median"] == pytest.approx(3.0, rel=0.02)
    project = stages["project"]["summary"]
    assert project["mean_error_percent"]["signed_median"] == pytest.approx(10.0, abs=1e-3)
    assert project["pixel_error_percent"]["median"] == pytest.approx(10.0, abs=1e-3)
    assert stages["register"]["counts"] == {
        "poses": 4,
        "success": 2,
        "accepted": 4,
        "accepted_but_failed": 2,
        "refused_but_succeeded": 0,
    }


def test_a_refused_subject_is_counted_and_not_measured(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    tree.refuse("V002", "roi", "E_LANDMARKS", ("roi", "register", "project"))
    for stage, name in (("roi", "roi.json"), ("register", "poses.json")):
        (tree.at(stage, "V002") / name).unlink()
    stages = tree.run(tmp_path / "out")
    assert stages["segment"]["n_subjects"] == 2
    assert stages["roi"]["n_subjects"] == 1
    assert [q["code"] for q in stages["register"]["quarantined"]] == ["E_LANDMARKS"]
    assert {row["subject"] for row in stages["register"]["rows"]} == {"V001"}


def test_a_cohort_in_which_nothing_was_measured_is_still_evaluated(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    for subject in ("V001", "V002"):
        tree.refuse(subject, "calibrate", "E_NO_PHANTOM", STAGES)
    stages = tree.run(tmp_path / "out")
    assert all(s["n_subjects"] == 0 and len(s["quarantined"]) == 2 for s in stages.values())
    summaries = [q for stage in stages.values() for q in stage["summary"].values()]
    assert all(q["n"] == 0 and "median" not in q for q in summaries)
