"""Compressed radiographs: what quantisation allows, and files that shrink as they lose."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage
from skimage.metrics import peak_signal_noise_ratio

from bmdpipe.evaluation.compression import Compression, compress


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    noise = np.random.default_rng(0).normal(size=(128, 96))
    return (0.4 + ndimage.gaussian_filter(noise, 6) + 0.01 * noise).astype(np.float32)


@pytest.mark.parametrize("bits", [4, 8, 12, 16])
def test_no_pixel_moves_by_more_than_half_a_grey_level(image: np.ndarray, bits: int) -> None:
    back, _ = compress(image, Compression(bits))
    half = np.ptp(image) / (2**bits - 1) / 2
    assert np.abs(back - image).max() <= half * 1.001 + 1e-7
    assert len(np.unique(back)) <= 2**bits


def test_rounding_noise_is_that_of_a_uniform_error(image: np.ndarray) -> None:
    back, _ = compress(image, Compression(8))
    step = np.ptp(image) / 255
    assert np.std(back - image) == pytest.approx(step / np.sqrt(12), rel=0.03)


def test_jpeg_is_what_a_viewer_would_show(image: np.ndarray) -> None:
    grey = np.rint((image - image.min()) / np.ptp(image) * 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(grey).save(file, "JPEG", quality=50)
    expected = np.asarray(Image.open(file)) / 255 * np.ptp(image) + image.min()
    back, size = compress(image, Compression(8, 50))
    np.testing.assert_allclose(back, expected, atol=1e-5)
    assert size == len(file.getvalue())


def test_less_quality_means_a_smaller_file_and_a_worse_image(image: np.ndarray) -> None:
    for ladder in (
        [Compression(16), Compression(12), Compression(8), Compression(4)],
        [Compression(8, q) for q in (100, 90, 50, 10)],
    ):
        found = [compress(image, how) for how in ladder]
        sizes = [size for _, size in found]
        assert sizes == sorted(sizes, reverse=True)
        quality = [
            peak_signal_noise_ratio(image, back, data_range=np.ptp(image)) for back, _ in found
        ]
        assert quality == sorted(quality, reverse=True)


def test_a_blank_image_stays_blank() -> None:
    blank = np.full((16, 16), 0.3, np.float32)
    np.testing.assert_array_equal(compress(blank, Compression(8))[0], blank)


@pytest.mark.parametrize("wrong", [{"bits": 0}, {"bits": 17}, {"bits": 12, "jpeg_quality": 90}])
def test_an_impossible_compression_is_refused(wrong: dict) -> None:
    with pytest.raises(ValueError):
        Compression(**wrong)
