"""A radiograph of any CT: masses along the rays are those of the body, and bone is bright."""

from __future__ import annotations

import numpy as np
import pytest

from bmdpipe.core.config.virtual.cohort import VirtualConfig
from bmdpipe.core.volume import Volume
from bmdpipe.geometry.camera import Camera, ap_pose
from bmdpipe.geometry.pose import about, apply, inverse
from bmdpipe.virtual.xray.ct_materials import ADIPOSE_HU, MUSCLE_HU
from bmdpipe.virtual.xray.equipment import draw_room
from bmdpipe.virtual.xray.from_ct import (
    HALF_DEPTH_MM,
    HALF_WIDTH_MM,
    areal_masses,
    covered_field,
    frontal_view,
    radiograph_from_ct,
)
from bmdpipe.virtual.xray.materials import ADIPOSE, MUSCLE, TITANIUM

SPACING = (2.0, 2.0, 3.0)


def slab(hu: float, rod_hu: float | None = None) -> Volume:
    """200 x 120 x 240 mm of one HU, and a rod of 20 mm along z left of the middle."""
    array = np.full((96, 90, 140), -1000, np.int16)
    array[8:88, 15:75, 20:120] = hu
    if rod_hu is not None:
        array[8:88, 40:50, 90:100] = rod_hu
    return Volume(array, SPACING, (-139.0, -89.0, -142.5), "HU")


def middle_masses(ct: Volume, at_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> np.ndarray:
    camera = Camera.parallel((4.0, 4.0), (40, 40))
    pose = ap_pose(np.zeros(3), camera, camera.sdd_mm - 1000.0)
    masses = areal_masses(ct, ct.array > -900, camera, pose, 0.8)
    u, v = np.rint(camera.pixels_of(apply(pose, np.array(at_mm)))).astype(int)
    return masses[:, v, u]


@pytest.mark.parametrize(
    ("hu", "expected"),
    [
        (MUSCLE_HU, (12 * MUSCLE.density, 0, 0, 0)),
        (ADIPOSE_HU, (0, 12 * ADIPOSE.density, 0, 0)),
        (-25.0, (6 * MUSCLE.density, 6 * ADIPOSE.density, 0, 0)),
        (-550.0, (0, 6 * ADIPOSE.density, 0, 0)),
        (550.0, (12 * MUSCLE.density, 0, 12 * 0.8 * 0.5, 0)),
        (3000.0, (12 * MUSCLE.density, 0, 0, 12 * TITANIUM.density)),
    ],
)
def test_areal_masses_are_density_times_thickness(hu: float, expected: tuple[float, ...]) -> None:
    """12 cm of one material, g/cm2; mineral and metal displace muscle, which counts with them."""
    found = middle_masses(slab(hu))
    np.testing.assert_allclose(found, expected, rtol=0.01, atol=1e-3)


def test_a_rod_of_mineral_adds_its_own() -> None:
    found = middle_masses(slab(50.0, 800.0), (51.0, 0.0, 0.0))
    assert found[2] == pytest.approx(2.0 * 0.8 * 0.75, rel=0.05)


def test_the_picture_shows_bone_bright_on_the_patients_side() -> None:
    config = VirtualConfig()
    ct = slab(40.0, 900.0)
    camera, pose = frontal_view(ct, np.zeros(3), config.radiograph, 1.5, 240)
    rng = np.random.default_rng(0)
    room = draw_room(config, 0)
    taken = radiograph_from_ct(ct, camera, pose, room, config.radiograph, rng)
    picture = taken.image.array
    assert picture.min() >= 0
    assert picture.max() <= 1
    (u, v), (mirrored, _) = np.rint(
        camera.pixels_of(apply(pose, np.array([[51.0, 0, 0], [-51.0, 0, 0]])))
    ).astype(int)
    assert u > mirrored
    assert picture[v, u] > picture[v, mirrored] + 0.1
    again = radiograph_from_ct(ct, camera, pose, room, config.radiograph, np.random.default_rng(0))
    np.testing.assert_array_equal(again.image.array, picture)


@pytest.mark.parametrize("turn", [(0.0, 0.0, 0.0), (6.0, -4.0, 5.0), (-8.0, 5.0, 0.0)])
def test_the_field_is_what_the_ct_covers(turn: tuple[float, float, float]) -> None:
    """From the source to any pixel of the field, the body's part of the ray lies in the CT."""
    ct, settings = slab(40.0), VirtualConfig().radiograph
    camera, frontal = frontal_view(ct, np.zeros(3), settings, 1.0, 360)
    pose = frontal @ about(np.zeros(3), np.array(turn), np.zeros(3))
    _, top, _, bottom = covered_field(ct, np.zeros(3), camera, pose).edges
    assert bottom - top > 0.6 * camera.size_px[1]
    back = inverse(pose)
    source = apply(back, np.zeros(3))
    low, high = (ct.world_at(np.array([0, 0, k]))[2] for k in (0, ct.size[2] - 1))
    for v in (top, bottom):
        for u in (0, camera.size_px[0] - 1):
            offset = (np.array([u, v]) - camera.principal_point_px) * camera.spacing_mm
            ray = apply(back, np.array([*offset, camera.sdd_mm])) - source
            along = (np.linspace(-HALF_DEPTH_MM, HALF_DEPTH_MM, 9) - source[1]) / ray[1]
            points = source + along[:, None] * ray
            within = np.abs(points[:, 0]) <= HALF_WIDTH_MM
            assert (points[within, 2] >= low - 1).all()
            assert (points[within, 2] <= high + 1).all()


def test_the_view_keeps_within_the_ct() -> None:
    """The edge rays meet the body's front and back inside the CT."""
    ct, settings = slab(40.0), VirtualConfig().radiograph
    camera, pose = frontal_view(ct, np.zeros(3), settings, 1.0, 1000)
    height = camera.size_px[1]
    for depth in (-80.0, 80.0):
        edge = np.array([[0.0, depth, z] for z in (ct.world_at(np.zeros(3))[2], 142.5)])
        rows = camera.pixels_of(apply(pose, edge))[:, 1]
        assert rows.max() > height - 1
        assert rows.min() < 0
