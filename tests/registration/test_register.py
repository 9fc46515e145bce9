"""Registration finds the poses that a radiograph was made with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bmdpipe.core.config.registration import Source
from bmdpipe.core.image import Image
from bmdpipe.core.labels import FEMUR_L, FEMUR_R
from bmdpipe.geometry.camera import Camera
from bmdpipe.geometry.joint import joint_angles
from bmdpipe.geometry.pose import apply, inverse
from bmdpipe.registration.body_search import reprojection_mm
from bmdpipe.registration.bones import head_centre
from bmdpipe.registration.register import register_radiograph


@pytest.mark.parametrize("femur", [FEMUR_R, FEMUR_L])
def test_head_centre(patient, femur):
    """Within one voxel of the sphere that the head was made of."""
    assert np.linalg.norm(head_centre(patient.labels, femur) - patient.heads[femur]) < 2.5


def test_known_poses_are_found(patient):
    """From +-10 degrees, +-20 mm in the plane and +-50 mm of depth.

    In the image plane: each pelvis within 1 mm, each femur within 5 mm (made of capsules, it has
    next to nothing that shows its turn about its neck), the median femur within 1 mm. In space:
    each pelvis within 5 mm. The median abduction, which one view sees best, within 1 degree.
    """
    femora, abductions = [], []
    for case in range(3):
        rng = np.random.default_rng(100 + case)
        truth = patient.true_poses(rng)
        film = patient.film(patient.radiograph(truth, rng))
        found = register_radiograph(film, patient.bones, np.random.default_rng(case))
        for name, bone in patient.bones.items():
            pose, points = found.bodies[name].camera_from_ct, bone.surface_mm
            error = reprojection_mm(patient.camera, truth[name], found.camera, pose, points)
            assert found.bodies[name].ok, (case, name)
            if name == "pelvis":
                assert error < 1.0, case
                apart = apply(truth[name], points) - apply(pose, points)
                assert np.linalg.norm(apart, axis=1).mean() < 5.0, case
            else:
                assert error < 5.0, (case, name)
                femora.append(error)
                side = name[-1].upper()
                angles = joint_angles(inverse(truth["pelvis"]) @ truth[name], side)
                abductions.append(abs(found.joints[side].abduction - angles.abduction))
    assert np.median(femora) < 1.0
    assert np.median(abductions) < 1.0


def test_same_seed_same_pose_on_any_number_of_threads(patient, monkeypatch):
    rng = np.random.default_rng(7)
    film = patient.film(patient.radiograph(patient.true_poses(rng), rng))
    results = []
    for threads in ("1", "2", "2"):
        monkeypatch.setenv("NUMBA_NUM_THREADS", threads)
        results.append(register_radiograph(film, patient.bones, np.random.default_rng(3)))
    for other in results[1:]:
        for name, pose in results[0].bodies.items():
            np.testing.assert_array_equal(other.bodies[name].camera_from_ct, pose.camera_from_ct)
            assert other.bodies[name].confidence == pose.confidence


def spoilt(image: Image, kind: str, rng: np.random.Generator) -> np.ndarray:
    return {
        "blank": np.full_like(image.array, 0.5),
        "noise": rng.standard_normal(image.array.shape).astype(np.float32),
        "nan": np.full_like(image.array, np.nan),
        "turned": image.array[::-1, ::-1].copy(),
        "upside down": image.array[::-1].copy(),
        "no overlap": np.where(np.indices(image.array.shape)[1] < 2, image.array, np.nan),
    }[kind]


@pytest.mark.parametrize("kind", ["blank", "noise", "nan", "turned", "upside down", "no overlap"])
def test_no_silent_pose(patient, kind):
    """What shows no such patient is flagged, never given a pose that counts."""
    rng = np.random.default_rng(11)
    image = patient.radiograph(patient.true_poses(rng), rng)
    bad = image.like(spoilt(image, kind, rng), image.unit)
    found = register_radiograph(patient.film(bad), patient.bones, np.random.default_rng(0))
    assert not any(pose.ok for pose in found.bodies.values())
    assert not found.joints


def test_a_crop_off_the_central_ray(patient):
    """Cut by 60 mm at one side, with a header that puts the central ray in the new middle, and the
    source solved: the pelvis's contour fits to 1 mm."""
    rng = np.random.default_rng(21)
    truth = patient.true_poses(rng)
    image = patient.radiograph(truth, rng)
    left = 36
    crop = Image(image.array[:, left:].copy(), image.spacing_mm, image.unit)
    size = (crop.array.shape[1], crop.array.shape[0])
    film = replace(
        patient.film(crop),
        camera=Camera.centred(patient.camera.sdd_mm, crop.spacing_mm, size),
        config=patient.config.model_copy(update={"source": Source(in_plane_sd_mm=40.0)}),
    )
    found = register_radiograph(film, {"pelvis": patient.bones["pelvis"]}, np.random.default_rng(0))
    pose, points = found.bodies["pelvis"].camera_from_ct, patient.bones["pelvis"].surface_mm
    true_camera = patient.camera.cropped(left, 0, size)
    error = reprojection_mm(true_camera, truth["pelvis"], found.camera, pose, points)
    assert error < 1.0


def test_a_mirrored_picture_is_flagged(patient):
    """Left and right swapped, in a pelvis that is nearly its own mirror image."""
    rng = np.random.default_rng(100)
    image = patient.radiograph(patient.true_poses(rng), rng)
    swapped = image.like(image.array[:, ::-1].copy(), image.unit)
    found = register_radiograph(patient.film(swapped), patient.bones, np.random.default_rng(0))
    assert not any(pose.ok for pose in found.bodies.values())


def test_a_distance_that_the_header_lacks_is_solved(patient):
    """Assumed 120 mm too long: the contour fits to 1 mm, and more than half of it is found."""
    rng = np.random.default_rng(100)
    truth = patient.true_poses(rng)
    image = patient.radiograph(truth, rng)
    camera = replace(patient.camera, sdd_mm=patient.camera.sdd_mm + 120.0)
    config = patient.config.model_copy(update={"source": Source(distance_sd_mm=100.0)})
    film = replace(patient.film(image), camera=camera, config=config, distance_known=False)
    found = register_radiograph(film, patient.bones, np.random.default_rng(0))
    assert abs(found.camera.sdd_mm - patient.camera.sdd_mm) < 60.0
    error = reprojection_mm(
        patient.camera,
        truth["pelvis"],
        found.camera,
        found.bodies["pelvis"].camera_from_ct,
        patient.bones["pelvis"].surface_mm,
    )
    assert error < 1.0
