import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmdpipe.core.image import Image
from bmdpipe.geometry.camera import Camera
from bmdpipe.pairs.hip import area_of, hip_camera, hip_image, hip_window


def _blob(camera: Camera, point: np.ndarray, sigma_mm: float = 6.0) -> Image:
    """A Gaussian at the pixel where the camera sees a point."""
    u, v = camera.pixels_of(point)
    width, height = camera.size_px
    x = (np.arange(width) - u) * camera.spacing_mm[0]
    y = (np.arange(height) - v) * camera.spacing_mm[1]
    array = np.exp(-0.5 * ((y**2)[:, None] + (x**2)[None, :]) / sigma_mm**2)
    return Image(array.astype(np.float32), camera.spacing_mm, "mg/cm2")


def _centroid(image: np.ndarray) -> tuple[float, float]:
    total = image.sum()
    return (
        float((image.sum(0) * np.arange(image.shape[1])).sum() / total),
        float((image.sum(1) * np.arange(image.shape[0])).sum() / total),
    )


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("side", ["R", "L"])
@pytest.mark.parametrize("size", [(511, 433), (640, 560)])
def test_a_landmark_keeps_its_place_in_every_image_of_a_radiograph(size, side, mirrored):
    full = Camera.centred(1200.0, (0.85, 0.85), size)
    point = np.array([-90.0 if side == "R" else 90.0, 20.0, 1050.0])
    window = hip_window(area_of(full), side, (64, 128), mirrored)
    hip = hip_camera(full, window)
    expected = hip.pixels_of(point * np.array([-1 if mirrored else 1, 1, 1]))
    for camera in (full, full.resized((size[0] // 2, size[1] // 2))):
        cut = hip_image(_blob(camera, point), window)
        assert cut.shape == (128, 64)
        assert _centroid(cut) == pytest.approx(tuple(expected), abs=0.02)


@given(
    width=st.integers(200, 700),
    aspect=st.floats(0.88, 1.228),
    side=st.sampled_from("RL"),
)
def test_the_window_is_the_largest_centred_one_of_its_half(width, aspect, side):
    area = (width * 1.0, width / aspect)
    window = hip_window(area, side, (256, 512))
    assert window.width_mm / window.height_mm == pytest.approx(0.5)
    half = area[0] / 2
    assert window.left_mm + window.width_mm / 2 == pytest.approx(
        half * (0.5 if side == "R" else 1.5)
    )
    assert window.top_mm + window.height_mm / 2 == pytest.approx(area[1] / 2)
    assert window.width_mm <= half + 1e-9
    assert window.height_mm <= area[1] + 1e-9
    assert window.width_mm == pytest.approx(half) or window.height_mm == pytest.approx(area[1])


def test_the_right_hip_lies_on_the_images_left_half():
    picture = np.zeros((40, 40), np.float32)
    picture[:, :20] = 1.0
    image = Image(picture, (1.0, 1.0), "attenuation")
    assert hip_image(image, hip_window((40.0, 40.0), "R", (8, 16)))[:, :-1].min() > 0.999
    assert hip_image(image, hip_window((40.0, 40.0), "L", (8, 16)))[:, 1:].max() < 0.001


@pytest.mark.parametrize("n", [16, 40, 100])
def test_values_are_kept_whatever_the_pixel_size(n):
    """A constant stays, and fine stripes vanish into their mean instead of aliasing."""
    constant = Image(np.full((97, 103), 7.0, np.float32), (1.0, 1.0), "mg/cm2")
    window = hip_window((103.0, 97.0), "L", (n // 2, n))
    np.testing.assert_allclose(hip_image(constant, window), 7.0, rtol=1e-6)
    stripes = np.zeros((96, 96), np.float32)
    stripes[::2] = 2.0
    small = hip_image(Image(stripes, (1.0, 1.0), "mg/cm2"), hip_window((96.0, 96.0), "R", (8, 16)))
    np.testing.assert_allclose(small[1:-1], 1.0, atol=0.02)


def test_mirroring_mirrors():
    rng = np.random.default_rng(0)
    image = Image(rng.random((50, 60)).astype(np.float32), (1.0, 1.0), "attenuation")
    plain = hip_image(image, hip_window((60.0, 50.0), "L", (16, 32)))
    mirrored = hip_image(image, hip_window((60.0, 50.0), "L", (16, 32), mirrored=True))
    np.testing.assert_array_equal(plain[:, ::-1], mirrored)
