"""Whole exposures: exposure control, collimation, marker, metal, and the same bytes each time."""

from __future__ import annotations

from dataclasses import replace

import numba
import numpy as np
import pytest

from bmdpipe.core.labels import SIDES, femur_body
from bmdpipe.core.volume import Volume
from bmdpipe.geometry.pose import apply
from bmdpipe.virtual.hip.anatomy import FineBody
from bmdpipe.virtual.hip.positioning import draw_exposure
from bmdpipe.virtual.xray.collimation import Field, needed, open_field
from bmdpipe.virtual.xray.equipment import draw_room, draw_visit
from bmdpipe.virtual.xray.exposure_control import CHAMBERS_MM, chamber, exposed, kev_per_ugy
from bmdpipe.virtual.xray.marker import Marker, draw_marker, lay
from bmdpipe.virtual.xray.masses import hard_masses
from bmdpipe.virtual.xray.room import Arrangement, energy_per_mas, expose, inside, read_out

BOTH = ("right", "left")


@pytest.fixture(scope="module")
def standing(made):
    return draw_exposure(made.config, made.anatomy, "standing")


def _slabs(camera, muscle: float) -> tuple[np.ndarray, np.ndarray]:
    width, height = camera.size_px
    soft = np.zeros((2, height, width), np.float32)
    soft[0] = muscle
    return soft, np.zeros((1, height, width), np.float32)


def _setup(made, camera, **changes) -> Arrangement:
    room = draw_visit(made.config, 2).room
    return replace(Arrangement(room, open_field(camera), 0.0, False), **changes)


def test_exposure_control_keeps_the_dose_behind_thin_and_thick(made, standing):
    loads = []
    for muscle in (12.0, 18.0, 24.0):
        setup = _setup(made, standing.camera)
        soft, hard = _slabs(standing.camera, muscle)
        rng = np.random.default_rng(0)
        energy, _ = energy_per_mas(setup, standing.camera, soft, hard, rng)
        _, technique = read_out(made.config.radiograph, setup, standing.camera, energy, rng)
        assert not technique.stopped
        assert technique.kerma_ugy == pytest.approx(setup.room.target_ugy, rel=1e-3)
        assert technique.deviation == pytest.approx(0, abs=0.01)
        loads.append(technique.mas)
    # Radiographers double the load for each 3 to 4 cm.
    assert 2 ** (12 / 4) < loads[2] / loads[0] < 2 ** (12 / 3)


def test_the_back_up_timer_ends_a_hopeless_exposure(made, standing):
    setup = _setup(made, standing.camera)
    energy, _ = energy_per_mas(
        setup, standing.camera, *_slabs(standing.camera, 40.0), np.random.default_rng(0)
    )
    settings = made.config.radiograph
    _, technique = read_out(settings, setup, standing.camera, energy, np.random.default_rng(0))
    assert technique.stopped
    assert technique.mas == settings.backup_mas
    assert technique.deviation < -1


def test_chambers_measure_where_they_lie():
    pixel = 1.0
    energy = np.full((400, 400), 1e-3, np.float32)
    for name in BOTH:
        energy[chamber(name, energy.shape, pixel)] = kev_per_ugy() * pixel**2
    technique = exposed(energy, pixel, 75.0, 2.0, 100.0, BOTH, 0.0)
    assert technique.mas == pytest.approx(2.0, rel=1e-4)
    assert CHAMBERS_MM["right"][0] < 0 < CHAMBERS_MM["left"][0], "the right is at the image's left"


def test_exposure_index_is_a_hundred_times_the_kerma(made, standing):
    picture = expose(made.config, made.anatomy, standing, draw_visit(made.config, 2))
    technique = picture.technique
    assert technique.index == pytest.approx(100 * technique.kerma_ugy)
    assert 20 * abs(np.log10(1.2)) > abs(technique.deviation)


def test_relative_noise_falls_with_the_square_root_of_the_dose(made, standing):
    noise = []
    for target in (1.0, 4.0):
        room = replace(draw_visit(made.config, 2).room, target_ugy=target)
        setup = _setup(made, standing.camera, room=room)
        rng = np.random.default_rng(3)
        energy, _ = energy_per_mas(setup, standing.camera, *_slabs(standing.camera, 18.0), rng)
        settings = made.config.radiograph.model_copy(update={"electronic_ugy": 0.0})
        reading, _ = read_out(settings, setup, standing.camera, energy, rng)
        middle = reading[80:120, 80:120]
        noise.append(np.diff(middle, axis=1).std() / middle.mean())
    assert noise[0] / noise[1] == pytest.approx(2, rel=0.06)


def test_the_same_bytes_with_one_thread(made, standing):
    visit = draw_visit(made.config, 2)
    several = expose(made.config, made.anatomy, standing, visit)
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        single = expose(made.config, made.anatomy, standing, visit)
    finally:
        numba.set_num_threads(before)
    np.testing.assert_array_equal(several.image.array, single.image.array)


def test_rooms_differ_and_take_all_looks(configured):
    config = configured()
    rooms = [draw_room(config, k) for k in range(config.radiograph.rooms)]
    assert {r.look.family for r in rooms} == set(config.radiograph.looks)
    assert len({r.look for r in rooms}) == len(rooms)


@pytest.mark.parametrize("tilt", [-1.2, 0.0, 1.4])
def test_the_beam_ends_at_the_field_s_edges(standing, tilt):
    camera = standing.camera
    width, height = camera.size_px
    field = Field((20.0, 15.0, width - 25.0, height - 18.0), tilt, True)
    passed = field.transmission(camera)
    half = [np.flatnonzero(line > 0.5) for line in (passed[height // 2], passed[:, width // 2])]
    found = half[0][0], half[1][0], half[0][-1], half[1][-1]
    np.testing.assert_allclose(found, field.edges, atol=1.5)
    assert passed[inside(field, passed.shape)].min() == 1
    assert 0 < passed[2, 2] < 0.01


def test_the_field_never_cuts_the_proximal_femora(made):
    narrow = made.config.radiograph.model_copy(
        update={"collimator_inset_mm": 100.0, "collimated_fraction": 1.0}
    )
    config = made.config.model_copy(update={"radiograph": narrow})
    for number in range(2, 6):
        exposure = draw_exposure(config, made.anatomy, "supine")
        visit = replace(draw_visit(config, number), cropped=number % 2 == 0)
        picture = expose(config, made.anatomy, exposure, visit)
        left, top, right, bottom = picture.field.edges
        box = needed(made.anatomy, picture.exposure)
        assert left < box[0]
        assert top < box[1]
        assert box[2] < right
        assert box[3] < bottom
        width, height = picture.image.size_px
        assert picture.exposure.camera.size_px == (width, height)
        assert 0.88 <= width / height <= 1.228


def test_cropping_moves_the_camera_along(made):
    """The femoral heads are seen at the same places of the anatomy in both pictures."""
    config = made.config
    exposure = draw_exposure(config, made.anatomy, "standing")
    visit = draw_visit(config, 2)
    whole = expose(config, made.anatomy, exposure, replace(visit, cropped=False))
    part = expose(config, made.anatomy, exposure, replace(visit, cropped=True))
    for side in SIDES:
        head = made.anatomy.femora[side].landmarks["head_centre"]
        points = apply(exposure.camera_from_ct[femur_body(side)], head)
        windows = []
        for picture in (whole, part):
            u, v = np.rint(picture.exposure.camera.pixels_of(points)).astype(int)
            windows.append(picture.image.array[v - 6 : v + 7, u - 6 : u + 7])
        np.testing.assert_array_equal(*windows)


@pytest.mark.parametrize("name", ["R", "L"])
def test_a_marker_can_be_read(name):
    image = np.ones((80, 80), np.float32)
    lay(Marker(name, (24.0, 12.0), 30.0, 0.0), image, 1.0)
    lead = image < 0.5
    rows, columns = np.nonzero(lead)
    assert image.min() < 0.05
    # Every letter has a stem at its left; only an R has an eye and a right upper half.
    assert lead[14:40, 24].mean() > 0.9
    assert lead[12:27, 36:44].any() == (name == "R")
    assert lead[40:44, 30:38].any() == (name == "L") or name == "R"
    assert not lead[18:24, 28:32].any(), "the eye of the R, or nothing beside an L"
    assert rows.max() > 50, "the ball below the letter"
    assert columns.max() < 24 + 0.8 * 30


def test_a_marker_lies_on_its_own_side_and_mostly_beside_the_patient():
    bright = np.full((200, 220), 0.01, np.float32)
    bright[:60] = 1.0
    clear = 0
    for seed in range(40):
        marker = draw_marker((5, 5, 215, 195), bright, 2.0, np.random.default_rng(seed))
        assert (marker.corner_px[0] < 110) == (marker.side == "R"), "the patient's right is left"
        assert 5 < marker.corner_px[0] < 215 - 0.56 * marker.height_mm / 2.0
        clear += marker.corner_px[1] < 60
    assert 28 <= clear < 40


def test_metal_outshines_bone(made, standing):
    """A ball of titanium of 20 mm in the right femoral head: 2 cm of it are 8.86 g/cm2."""

    class Piece:
        moves_with = femur_body("R")
        material = "titanium"
        head = made.anatomy.femora["R"].landmarks["head_centre"]
        z, y, x = np.indices((31, 31, 31)) - 15
        metal = np.where(x**2 + y**2 + z**2 <= 100, 4430.0, 0).astype(np.float32)
        origin = tuple(float(v) for v in head - 15.0)
        share = FineBody(
            metal / 4430, Volume(metal, (1, 1, 1), origin, "mg/cm3"), (0, 0, 0), (1, 1, 1)
        )

    anatomy = replace(made.anatomy, implants=(Piece(),))
    hard = hard_masses(anatomy, standing)
    assert hard.shape[0] == 3
    assert hard[1].max() == pytest.approx(8.86, rel=0.05)
    assert hard[2].max() == 0
    u, v = standing.camera.pixels_of(apply(standing.camera_from_ct[femur_body("R")], Piece.head))
    at = np.unravel_index(hard[1].argmax(), hard[1].shape)
    np.testing.assert_allclose(at, (v, u), atol=3)
    soft, _ = _slabs(standing.camera, 16.0)
    energy, _ = energy_per_mas(
        _setup(made, standing.camera), standing.camera, soft, hard, np.random.default_rng(0)
    )
    assert energy[at] < 0.5 * np.median(energy)
