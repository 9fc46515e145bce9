"""Noise follows dose, thickness, patient and kernel as theory says."""

from __future__ import annotations

import numpy as np
import pytest

from bmdpipe.core.config.virtual.ct import CtConfig
from bmdpipe.virtual.ct.image_chain import ImageChain, Slice
from bmdpipe.virtual.ct.kernel import KERNELS
from bmdpipe.virtual.ct.noise import NoiseSource, noise_level_hu
from bmdpipe.virtual.ct.slice_profile import plane_weights

MATRIX, PIXEL_MM = 256, 1.4


def _cylinder(diameter_mm: float) -> Slice:
    offset = (np.arange(MATRIX) - 0.5 * (MATRIX - 1)) * PIXEL_MM
    radius = np.hypot(offset, offset[:, None])
    share = np.clip(0.5 - (radius - 0.5 * diameter_mm) / PIXEL_MM, 0, 1)
    hu = (-1000.0 + 1000.0 * share).astype(np.float32)
    return Slice(hu, np.zeros_like(hu), {})


def _noise_at(diameter_mm: float = 300.0, mas: float = 200.0, radius_mm: float = 0.0, **changes):
    """Standard deviation over slices of the difference that noise makes, at a distance from the
    middle, HU."""
    values = {"matrix": MATRIX, "pixel_mm": PIXEL_MM, "cupping_hu": 0, **changes}
    config = CtConfig(**values)
    chain, source = ImageChain.of(config), NoiseSource.of(config, 5, 1)
    there = _cylinder(diameter_mm)
    level = noise_level_hu(config, mas)
    clean = chain.form(there, None, 0.0).astype(float)
    step = 2 * source.reach + 1
    grains = [
        source.coloured([source.white(k + n) for n in range(step)])
        for k in range(0, 5 * step, step)
    ]
    i = MATRIX // 2 + round(radius_mm / PIXEL_MM)
    box = np.s_[MATRIX // 2 - 12 : MATRIX // 2 + 12, i - 12 : i + 12]
    noise = [(chain.form(there, grain, level) - clean)[box] for grain in grains]
    return float(np.std(noise))


def test_reference_cylinder_has_the_configured_noise():
    assert _noise_at(noise_hu=15.0) == pytest.approx(15.0, rel=0.06)


@pytest.mark.parametrize(
    ("changes", "ratio"),
    [({"mas": 50.0}, 2.0), ({"slice_thickness_mm": 4.0}, 0.5), ({"mas": 800.0}, 0.5)],
)
def test_variance_is_inverse_to_dose_and_thickness(changes, ratio):
    assert _noise_at(**changes) / _noise_at() == pytest.approx(ratio, rel=0.08)


@pytest.mark.parametrize("diameter", [200.0, 340.0])
def test_noise_grows_with_the_root_of_attenuation(diameter):
    """Every ray through the middle crosses the diameter; water has 0.193 per cm at 70 keV."""
    expected = np.exp(0.5 * 0.0193 * (diameter - 300.0))
    assert _noise_at(diameter) / _noise_at() == pytest.approx(expected, rel=0.08)


def test_noise_is_least_at_the_rim():
    assert _noise_at(radius_mm=125.0) < 0.75 * _noise_at()


@pytest.mark.parametrize("name", ["SOFT", "STANDARD", "BONE"])
def test_noise_power_is_ramp_times_kernel_squared(name):
    """Fine pixels, so that nothing folds; radial means in bands, both normalised."""
    config = CtConfig(matrix=256, pixel_mm=0.35, kernel=name)
    source = NoiseSource.of(config, 3, 1)
    step = 2 * source.reach + 1
    power = np.zeros((256, 256))
    for k in range(0, 12 * step, step):
        grain = source.coloured([source.white(k + n) for n in range(step)])
        power += np.abs(np.fft.fft2(grain)) ** 2
    f = np.hypot(*np.meshgrid(*[np.fft.fftfreq(256, 0.35)] * 2))
    edges = np.linspace(0.03, 1.1 * KERNELS[name].f10_per_mm, 9)
    band = np.digitize(f.ravel(), edges)
    measured = np.array([power.ravel()[band == b].mean() for b in range(1, len(edges))])
    # The theory is written out here and not taken from the scanner.
    theory = np.array(
        [(f * KERNELS[name].mtf(f) ** 2).ravel()[band == b].mean() for b in range(1, len(edges))]
    )
    np.testing.assert_allclose(measured / measured.sum(), theory / theory.sum(), rtol=0.1)
    assert power[0, 0] < 0.01 * measured.max(), "the mean of a slice carries no noise"
    assert np.sqrt(power.mean() / 12) / 256 == pytest.approx(1.0, rel=0.03)


@pytest.mark.parametrize(("thickness", "spacing"), [(1.0, 1.0), (2.5, 1.0), (1.25, 2.5)])
def test_noise_along_z_correlates_as_the_overlap_of_profiles(thickness, spacing):
    config = CtConfig(matrix=128, slice_mm=spacing, slice_thickness_mm=thickness)
    source = NoiseSource.of(config, 3, 1)
    reach = source.reach
    whites = [source.white(k) for k in range(24 + 2 * reach)]
    stack = np.array([source.coloured(whites[k : k + 2 * reach + 1]) for k in range(24)])
    z = np.arange(-12, 12, 0.01)
    profile = np.exp(-4 * np.log(2) * (z / thickness) ** 2)
    overlap = np.convolve(profile, profile, "same")
    overlap /= overlap.max()
    for lag in (1, 2):
        measured = (stack[lag:] * stack[:-lag]).mean() / (stack**2).mean()
        expected = overlap[np.argmin(np.abs(z - (z[overlap.argmax()] + lag * spacing)))]
        assert measured == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize(("thickness", "divide"), [(1.0, 1), (3.0, 1), (2.5, 2), (2.0, 3)])
def test_slice_profile_has_its_thickness(thickness, divide):
    """Planes of their own thickness, weighed, have the variance of a Gaussian of this width."""
    weights, before = plane_weights(thickness, 1.0, divide, True)
    place = (np.arange(len(weights)) - before + 0.5) / divide - 0.5
    assert weights.sum() == pytest.approx(1)
    assert weights @ place == pytest.approx(0, abs=1e-9)
    variance = weights @ place**2 + 1 / (12 * divide**2)
    assert np.sqrt(variance) * 2.3548 == pytest.approx(thickness, rel=0.03)
