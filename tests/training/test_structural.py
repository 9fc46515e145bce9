"""SSIM and MS-SSIM against scikit-image and against the formula written out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import correlate1d
from skimage.metrics import structural_similarity

from bmdpipe.training.structural import WEIGHTS, ms_ssim, scales_of, ssim


def images(size: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:size, :size] / size
    a = 0.5 + 0.4 * np.sin(9 * rows) * np.cos(7 * columns)
    return a, np.clip(a + 0.08 * random.standard_normal((size, size)), 0, 1)


def tensors(*arrays: np.ndarray) -> list[torch.Tensor]:
    return [torch.from_numpy(array)[None, None].double() for array in arrays]


def test_ssim_is_that_of_scikit_image() -> None:
    a, b = images(80)
    theirs = structural_similarity(
        a, b, data_range=1.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert float(ssim(*tensors(a, b))) == pytest.approx(theirs, abs=1e-9)


def plain_ms_ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Wang 2003, eq. 7, scale by scale with scipy."""
    place = np.arange(11) - 5
    window = np.exp(-(place**2) / 4.5)
    window /= window.sum()

    def blurred(x: np.ndarray) -> np.ndarray:
        return correlate1d(correlate1d(x, window, axis=0), window, axis=1)[5:-5, 5:-5]

    result = 1.0
    for number, weight in enumerate((0.0448, 0.2856, 0.3001, 0.2363, 0.1333)):
        mean_a, mean_b = blurred(a), blurred(b)
        spread_a, spread_b = blurred(a * a) - mean_a**2, blurred(b * b) - mean_b**2
        structure = (2 * (blurred(a * b) - mean_a * mean_b) + 9e-4) / (spread_a + spread_b + 9e-4)
        luminance = (2 * mean_a * mean_b + 1e-4) / (mean_a**2 + mean_b**2 + 1e-4)
        term = structure * luminance if number == 4 else structure
        result *= float(term.mean()) ** weight
        a, b = (x.reshape(len(x) // 2, 2, len(x) // 2, 2).mean((1, 3)) for x in (a, b))
    return result


def test_ms_ssim_is_the_formula() -> None:
    a, b = images(192)
    assert float(ms_ssim(*tensors(a, b))) == pytest.approx(plain_ms_ssim(a, b), abs=1e-9)


def test_equal_images_are_wholly_similar_and_noise_is_not() -> None:
    a, b = tensors(*images(96))
    assert float(ms_ssim(a, a)) == pytest.approx(1.0)
    assert float(ms_ssim(a, b)) < 0.98
    assert float(ms_ssim(a, b)) == pytest.approx(float(ms_ssim(b, a)))


def test_the_peak_is_a_unit() -> None:
    a, b = tensors(*images(64))
    assert float(ms_ssim(255 * a, 255 * b, 255.0)) == pytest.approx(float(ms_ssim(a, b)))


@pytest.mark.parametrize(("size", "scales"), [(11, 1), (44, 3), (112, 4), (176, 5), (512, 5)])
def test_small_images_have_fewer_scales(size: int, scales: int) -> None:
    assert scales_of((size, size + 3)) == scales
    assert scales <= len(WEIGHTS)


def test_an_image_below_the_window_is_refused() -> None:
    with pytest.raises(ValueError, match="no window"):
        ms_ssim(torch.rand(1, 1, 10, 40), torch.rand(1, 1, 10, 40))


def test_descending_its_gradient_makes_images_alike() -> None:
    a, b = tensors(*images(48))
    made = b.clone().requires_grad_(True)
    before = float(ms_ssim(made.detach(), a))
    for _ in range(20):
        (1 - ms_ssim(made, a).mean()).backward()
        assert made.grad is not None
        assert torch.isfinite(made.grad).all()
        made.data -= 20 * made.grad
        made.grad = None
    assert float(ms_ssim(made.detach(), a)) > before + 0.01
