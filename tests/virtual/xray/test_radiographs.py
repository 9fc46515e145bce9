"""Radiographs fit their cameras, poses and headers."""

from __future__ import annotations

import json

import numpy as np
import pydicom
import pytest

from bmdpipe.core.labels import SIDES, femur_body
from bmdpipe.geometry.camera import Camera
from bmdpipe.geometry.pose import apply, inverse, rotation_angle_deg
from bmdpipe.virtual.hip.positioning import draw_exposure
from bmdpipe.virtual.xray.attenuation import (
    ALUMINIUM,
    CALCIUM,
    ENERGIES_KEV,
    HYDROGEN,
    OXYGEN,
    PHOSPHORUS,
    at_energies,
    transmission,
    tube_spectrum,
)
from bmdpipe.virtual.xray.room import bone_mineral


def _picture(made, name):
    data = pydicom.dcmread(made.folder / f"radiographs/{name}.dcm")
    values = data.pixel_array.astype(float) / 4095
    return data, (1 - values if data.PhotometricInterpretation == "MONOCHROME1" else values)


@pytest.mark.parametrize("name", ["standing", "abduction"])
def test_header_and_camera_agree(made, name):
    data, picture = _picture(made, name)
    camera = Camera.from_json(made.truth["radiographs"][name]["camera"])
    assert camera.size_px == (data.Columns, data.Rows)
    assert 0.880 <= data.Columns / data.Rows <= 1.228
    assert float(data.DistanceSourceToDetector) == pytest.approx(camera.sdd_mm)
    assert [float(v) for v in data.ImagerPixelSpacing] == pytest.approx(camera.spacing_mm[::-1])
    assert data.ViewPosition == "AP"
    assert data.BitsStored == 12
    assert picture.min() >= 0
    assert picture.max() <= 1
    assert picture[2, 2] < 0.2, "air is dark once the photometric interpretation is applied"


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


def test_bone_edges_in_the_picture_are_those_of_the_labels(made):
    """High-pass filtered, the radiograph correlates with the mineral seen by the true cameras, and
    less so when the poses are off by 8 mm."""
    exposure = draw_exposure(made.config, made.anatomy, "standing")
    mineral = bone_mineral(made.anatomy, exposure)
    _, picture = _picture(made, "standing")

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
    poses = [draw_exposure(made.config, made.anatomy, n).camera_from_ct["pelvis"] for n in names]
    assert len({json.dumps(p.tolist()) for p in poses}) == 4


def test_transmission_is_beer_lambert_and_hardens():
    spectrum = tube_spectrum(75.0)
    assert spectrum.weight.sum() == pytest.approx(1)
    water = np.linspace(0, 30, 31).astype(np.float32)
    none = np.zeros_like(water)
    effective = -np.log(transmission(spectrum, water[1:], none[1:], none[1:])) / water[1:]
    assert transmission(spectrum, none, none, none)[0] == pytest.approx(1, abs=1e-6)
    assert (np.diff(effective) < 0).all(), "the mean coefficient falls with thickness"
    assert spectrum.muscle.min() < effective[-1] < effective[0] < spectrum.muscle.max()


def test_attenuation_tables_are_met_at_their_energies():
    np.testing.assert_allclose(at_energies(ALUMINIUM, ENERGIES_KEV), ALUMINIUM)


def test_elements_add_up_to_the_published_mixtures():
    """NIST's tables of water and ICRU-44 cortical bone, 20 to 60 keV, by the mixture rule."""
    water = 0.1119 * HYDROGEN + 0.8881 * OXYGEN
    np.testing.assert_allclose(water[:5], [0.8096, 0.3756, 0.2683, 0.2269, 0.2059], rtol=0.002)
    carbon = np.array([0.4420, 0.2562, 0.2076, 0.1871, 0.1753])
    nitrogen = np.array([0.6178, 0.3066, 0.2288, 0.1980, 0.1817])
    bone = 0.034 * HYDROGEN + 0.435 * OXYGEN + 0.103 * PHOSPHORUS + 0.225 * CALCIUM
    # Sodium, magnesium and sulphur, 0.6 % of the mass, are left out.
    bone = bone[:5] + 0.155 * carbon + 0.042 * nitrogen
    np.testing.assert_allclose(bone, [4.001, 1.331, 0.6655, 0.4242, 0.3148], rtol=0.012)
