"""Reconstruction kernels by name: how much contrast is left at each spatial frequency."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Kernel:
    """A kernel whose modulation transfer is 50 % and 10 % at two frequencies (per mm).

    `boost` > 0 lifts the middle frequencies, so that edges overshoot.
    """

    f50_per_mm: float
    f10_per_mm: float
    boost: float = 0.0

    def mtf(self, frequency_per_mm: NDArray) -> NDArray[np.float64]:
        """(1 + boost s^2) exp(-c s^p) with s = f / f50; c and p follow from the two points."""
        ratio = self.f10_per_mm / self.f50_per_mm
        fall = np.log(2.0 * (1.0 + self.boost))
        power = np.log(np.log(10.0 * (1.0 + self.boost * ratio**2)) / fall) / np.log(ratio)
        s = np.asarray(frequency_per_mm, float) / self.f50_per_mm
        return (1.0 + self.boost * s**2) * np.exp(-fall * s**power)

    def noise_power(self, frequency_per_mm: NDArray) -> NDArray[np.float64]:
        """Up to a factor: filtered back-projection of white noise leaves |f| MTF(f)^2.

        Source: Riederer, Pelc and Chesler 1978, Phys Med Biol 23; Kijewski and Judy 1987.
        """
        return np.asarray(frequency_per_mm, float) * self.mtf(frequency_per_mm) ** 2

    @property
    def noise_gain(self) -> float:
        """Noise relative to the STANDARD kernel's at the same exposure."""
        return _total_noise(self) / _total_noise(KERNELS["STANDARD"])


KERNELS: dict[str, Kernel] = {
    "SOFT": Kernel(0.35, 0.60),
    "STANDARD": Kernel(0.42, 0.68),
    "DETAIL": Kernel(0.52, 0.82, boost=0.2),
    "BONE": Kernel(0.75, 1.05, boost=1.0),
    "EDGE": Kernel(0.98, 1.44, boost=1.5),
}
"""GE's names. EDGE falls to 10 % at 14.4 per cm (GE CT750 HD, J Appl Clin Med Phys 2010: "image
resolution due to the use of focal spot deflection"); the other figures are those of GE scanners of
that time as remembered (unverified)."""


def _total_noise(kernel: Kernel) -> float:
    """Root of the noise power over the plane."""
    f = np.linspace(0.0, 4.0 * kernel.f10_per_mm, 4001)
    return float(np.sqrt(np.sum(2.0 * np.pi * f * kernel.noise_power(f)) * (f[1] - f[0])))


def frequencies(shape: tuple[int, int], pixel_mm: float) -> tuple[NDArray, NDArray]:
    """Frequencies (per mm) along y and x of a half-plane transform, broadcastable."""
    fy = np.fft.fftfreq(shape[0], pixel_mm)[:, None]
    fx = np.fft.rfftfreq(shape[1], pixel_mm)[None, :]
    return fy, fx


def transfer(kernel: Kernel, shape: tuple[int, int], pixel_mm: float) -> NDArray[np.float32]:
    """What turns an image of pixel means into the kernel's image, on a half plane.

    The mean over a pixel is itself a blur; it is undone, but no frequency is lifted that the kernel
    does not lift: where pixels are coarse the pixel and not the kernel is the resolution.
    """
    fy, fx = frequencies(shape, pixel_mm)
    wanted = kernel.mtf(np.hypot(fy, fx))
    needed = wanted / (np.sinc(fy * pixel_mm) * np.sinc(fx * pixel_mm))
    return np.minimum(needed, np.maximum(wanted, 1.0)).astype(np.float32)
