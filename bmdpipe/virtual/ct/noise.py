"""Quantum noise: coloured by the kernel in the plane and by the slice profile along z."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft2, rfft2

from bmdpipe.core.config.virtual.ct import CtConfig
from bmdpipe.virtual.ct.kernel import KERNELS, Kernel, frequencies
from bmdpipe.virtual.ct.slice_profile import noise_weights
from bmdpipe.virtual.demographics import stream

REFERENCE_MAS, REFERENCE_SLICE_MM, REFERENCE_DIAMETER_MM = 200.0, 1.0, 300.0
"""`noise_hu` is the noise at the centre of a water cylinder of this diameter in this exposure and
slice thickness with the STANDARD kernel."""


def noise_level_hu(config: CtConfig, mas: float) -> float:
    """Noise behind the reference cylinder. Counts grow with exposure and slice thickness.

    Source: Brooks and Di Chiro 1976, Med Phys 3 (variance ~ 1 / (dose x thickness)).
    """
    counts = mas / REFERENCE_MAS * config.thickness_mm / REFERENCE_SLICE_MM
    return config.noise_hu * KERNELS[config.kernel].noise_gain / float(np.sqrt(counts))


def amplitude(kernel: Kernel, shape: tuple[int, int], pixel_mm: float) -> NDArray[np.float32]:
    """What colours white noise of variance 1 into the kernel's noise of variance 1, half plane.

    Pixels sample the noise and do not average it: what lies above their Nyquist frequency folds
    back. Source: Kijewski and Judy 1987, Phys Med Biol 32.
    """
    fy, fx = frequencies(shape, pixel_mm)
    folds = int(np.ceil(2.0 * kernel.f10_per_mm * pixel_mm))
    power = np.zeros((shape[0], fx.size))
    for m in range(-folds, folds + 1):
        for n in range(-folds, folds + 1):
            power += kernel.noise_power(np.hypot(fy + m / pixel_mm, fx + n / pixel_mm))
    # A half plane holds its inner columns once, the whole plane twice.
    twice = np.full(fx.size, 2.0)
    twice[0] = 1.0
    if shape[1] % 2 == 0:
        twice[-1] = 1.0
    mean = (power * twice).sum() / (shape[0] * shape[1])
    return np.sqrt(power / mean).astype(np.float32)


@dataclass(frozen=True)
class NoiseSource:
    """Noise of variance 1, a slice at a time; a slice depends on the seed and its index alone."""

    seed: int
    number: int
    shape: tuple[int, int]
    along_z: NDArray[np.float64]
    colour: NDArray[np.float32]

    @staticmethod
    def of(config: CtConfig, seed: int, number: int) -> NoiseSource:
        shape = (config.matrix, config.matrix)
        weights = noise_weights(config.thickness_mm, config.slice_mm)
        colour = amplitude(KERNELS[config.kernel], shape, config.pixel_mm)
        return NoiseSource(seed, number, shape, weights, colour)

    @property
    def reach(self) -> int:
        """White slices needed on either side of a slice."""
        return len(self.along_z) // 2

    def white(self, k: int) -> NDArray[np.float32]:
        """The white noise that belongs to slice `k`, which may lie beyond the stack."""
        rng = stream(self.seed, self.number, f"ct noise {k}")
        return rng.standard_normal(self.shape, dtype=np.float32)

    def coloured(self, whites: list[NDArray[np.float32]]) -> NDArray[np.float32]:
        """The noise of the slice in the middle of `whites`."""
        mixed = whites[0] * np.float32(self.along_z[0])
        for white, weight in zip(whites[1:], self.along_z[1:], strict=True):
            mixed += white * np.float32(weight)
        return np.asarray(irfft2(rfft2(mixed) * self.colour, s=self.shape))
