"""Radiographs on disk fit their cameras, and their poses the anatomy."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pydicom
import pytest

from bmdpipe.core.config.imaging import ImagingConfig
from bmdpipe.core.labels import SIDES, femur_body
from bmdpipe.geometry.camera import Camera
from bmdpipe.geometry.pose import apply, inverse, rotation_angle_deg
from bmdpipe.imaging.radiograph import read_radiograph
from bmdpipe.virtual.hip.positioning import draw_exposure
from bmdpipe.virtual.xray.masses import bone_mineral

IMPORT = ImagingConfig()


def _shown(data) -> np.ndarray:
    values = data.pixel_array.astype(float) / (2**data.BitsStored - 1)
    return 1 - values if data.PhotometricInterpretation == "MONOCHROME1" else values


def _picture(made, name):
    data = pydicom.dcmread(made.folder / f"radiographs/{name}.dcm")
    return data, _shown(data)


@pytest.mark.parametrize("name", ["standing", "abduction"])
def test_header_and_camera_agree(made, name):
    data, picture = _picture(made, name)
    camera = Camera.from_json(made.truth["radiographs"][name]["camera"])
    assert camera.size_px == (data.Columns, data.Rows)
    assert 0.880 <= data.Columns / data.Rows <= 1.228
    found = read_radiograph(made.folder / f"radiographs/{name}.dcm", "V002", IMPORT)
    assert found.image.spacing_mm == pytest.approx(camera.spacing_mm, rel=1e-4)
    assert found.sdd_mm == pytest.approx(camera.sdd_mm)
    assert data.ViewPosition == "AP"
    assert data.BitsStored in (10, 12, 14)
    assert picture.min() >= 0
    assert picture.max() <= 1


@pytest.mark.parametrize("side", SIDES)
def test_projected_landmarks_fall_on_bright_bone(made, side):
    truth = made.truth["radiographs"]["standing"]
    camera = Camera.from_json(truth["camera"])
    pose = np.array(truth["camera_from_ct"][femur_body(side)])
    head = apply(pose, np.array(made.truth["landmarks"][side]["head_centre"]))
    u, v = np.rint(camera.pixels_of(head)).astype(int)
    _, picture = _picture(made, "standing")
    window = picture[v - 3 : v + 4, u - 3 : u + 4]
    assert window.mean() > np.median(picture)
    assert (u > camera.size_px[0] / 2) == (side == "L"), "the patient's left is on the right"


def test_bone_edges_in_the_picture_are_those_of_the_labels(made, usual):
    """High-pass filtered, the radiograph correlates with the mineral seen by the true cameras, and
    less so when the poses are off by 8 mm."""
    exposure = draw_exposure(made.config, made.anatomy, "standing")
    mineral = bone_mineral(made.anatomy, exposure)
    picture = usual[1].image.array

    def edges(image):
        return np.concatenate([np.diff(image, axis=0).ravel(), np.diff(image, axis=1).ravel()])

    inside = mineral > 0
    inside = np.concatenate([inside[1:].ravel(), inside[:, 1:].ravel()])
    true = np.corrcoef(edges(picture)[inside], edges(mineral)[inside])[0, 1]
    moved = np.corrcoef(edges(picture)[inside], edges(np.roll(mineral, 5, axis=1))[inside])[0, 1]
    assert true > 0.6
    assert moved < 0.5 * true


@pytest.mark.parametrize("name", ["standing", "supine", "abduction", "adduction"])
@pytest.mark.parametrize("side", SIDES)
def test_positioning_moves_the_femur_about_its_head_only(made, name, side):
    exposure = draw_exposure(made.config, made.anatomy, name)
    poses = exposure.camera_from_ct
    relative = inverse(poses["pelvis"]) @ poses[femur_body(side)]
    head = made.anatomy.femora[side].landmarks["head_centre"]
    np.testing.assert_allclose(apply(relative, head), head, atol=1e-9)
    assert 0 < rotation_angle_deg(relative) < 30
    down = relative[:3, :3] @ np.array([0.0, 0.0, -1.0])
    outward = down[0] * (1 if side == "L" else -1)
    if name == "abduction":
        assert outward > 0.05
    if name == "adduction":
        assert outward < -0.01


def test_exposures_of_one_subject_differ(made):
    names = ("standing", "supine", "abduction", "adduction")
    exposures = [draw_exposure(made.config, made.anatomy, n) for n in names]
    assert len({json.dumps(e.camera_from_ct["pelvis"].tolist()) for e in exposures}) == 4
    assert len({e.camera.principal_point_px for e in exposures}) == 4


def test_the_tube_is_off_the_middle_by_what_is_configured(made, configured):
    config = configured()
    spread = config.radiograph.tube_offset_sd_mm
    missed = []
    for number in range(1, 60):
        person = replace(made.anatomy.person, number=number)
        camera = draw_exposure(config, replace(made.anatomy, person=person), "supine").camera
        middle = 0.5 * (np.array(camera.size_px) - 1)
        missed.append((camera.principal_point_px - middle) * camera.spacing_mm)
    assert np.std(missed) == pytest.approx(spread, rel=0.25)
    assert abs(np.mean(missed)) < 0.4 * spread
