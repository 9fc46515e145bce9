"""What the collimator or a shutter hides is left out, whoever says where it lies."""

from __future__ import annotations

import numpy as np
import pytest

from bmdpipe.core.image import Image
from bmdpipe.imaging.exposed_field import exposed

SIZE = (260, 240)
SPACING = 0.8


def anatomy() -> np.ndarray:
    """A picture with neither its brightest nor its darkest value near the edges."""
    height, width = SIZE
    y, x = np.mgrid[:height, :width]
    noise = np.random.default_rng(0).normal(0, 0.02, SIZE)
    picture = 0.5 + 0.25 * np.sin(x / 17.0) * np.cos(y / 23.0) + noise
    picture[120:124, 100:104], picture[120:124, 110:114] = 0.0, 1.0
    return picture.astype(np.float32)


def open_part(left: float, top: float, right: float, bottom: float, tilt_deg: float) -> np.ndarray:
    """Pixels inside a rectangle that is turned about its middle."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    cx, cy, turn = (left + right) / 2, (top + bottom) / 2, np.deg2rad(tilt_deg)
    u = np.cos(turn) * (x - cx) + np.sin(turn) * (y - cy)
    v = np.cos(turn) * (y - cy) - np.sin(turn) * (x - cx)
    return (np.abs(u) <= (right - left) / 2) & (np.abs(v) <= (bottom - top) / 2)


def picture(shut: np.ndarray, value: float) -> Image:
    return Image(np.where(shut, np.float32(value), anatomy()), (SPACING, SPACING), "attenuation")


@pytest.mark.parametrize("value", [0.0, 1.0])
@pytest.mark.parametrize("tilt_deg", [0.0, 0.6, -1.0, 1.3])
def test_shut_borders_are_found_in_the_picture(value, tilt_deg):
    """Nothing shut is left, and nothing further than 9 mm inside is lost."""
    inside = open_part(24, 18, 221, 246, tilt_deg)
    found = exposed(picture(~inside, value), None)
    assert not (found & ~inside).any()
    near = 9.0 / SPACING
    safe = open_part(24 + near, 18 + near, 221 - near, 246 - near, tilt_deg)
    assert found[safe].all()


def test_one_border_alone():
    inside = open_part(-50, 30, 300, 300, 0.0)
    found = exposed(picture(~inside, 1.0), None)
    assert not found[:30].any()
    assert found[30 + 10 :].all()


@pytest.mark.parametrize("times", [3, 8])
def test_a_finer_picture_has_the_same_field(times):
    """As from a real detector, with more pixels on the same area."""
    inside = open_part(24, 18, 221, 246, 0.6).repeat(times, axis=0).repeat(times, axis=1)
    array = anatomy().repeat(times, axis=0).repeat(times, axis=1)
    fine = (SPACING / times, SPACING / times)
    found = exposed(Image(np.where(inside, array, np.float32(1.0)), fine, "attenuation"), None)
    assert not (found & ~inside).any()
    assert found.sum() > 0.85 * inside.sum()


def test_an_open_picture_is_whole():
    assert exposed(picture(np.zeros(SIZE, bool), 0.0), None).all()


def test_a_dark_middle_is_no_border():
    """What is blank far inside, or in a corner, may be air or bowel gas."""
    shut = np.zeros(SIZE, bool)
    shut[100:200, 60:180] = True
    shut[:60, :60] = True
    assert exposed(picture(shut, 0.0), None).all()


@pytest.mark.parametrize("tilt_deg", [0.0, 1.3])
def test_the_headers_field_is_clear_of_its_edges(tilt_deg):
    inside = open_part(20, 20, 220, 240, tilt_deg)
    found = exposed(picture(~inside, 0.3), (20, 20, 220, 240))
    assert not (found & ~inside).any()
    assert found[30:230, 30:210].all()
