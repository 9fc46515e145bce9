"""From what is there in a slice to what the scanner stores: hardening, kernel, noise, rounding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft2, rfft2

from bmdpipe.core.config.virtual.ct import CtConfig
from bmdpipe.virtual.ct.hardening import (
    HU_PER_MG_CM3,
    MEAN_CUP,
    METALS,
    WATER_PER_MM,
    Beam,
    cup_coefficient,
)
from bmdpipe.virtual.ct.kernel import KERNELS, transfer
from bmdpipe.virtual.ct.noise import REFERENCE_DIAMETER_MM
from bmdpipe.virtual.ct.rays import mean_of_rays, project, reconstruct

MIN_HU, MAX_HU = -1024, 3071
"""The 12-bit scale."""
COARSE_MM, COARSE_METAL_MM = 4.0, 2.5
ANGLES, ANGLES_METAL = 60, 120
MOST_EXTRA_DEPTH = 3.0
"""Starved rays count no more than this above the reference depth: scanners smooth them."""


@dataclass(frozen=True)
class Slice:
    """What is there, `[y, x]`: HU on the scanner's scale without metal, mineral in mg/cm3, and
    each alloy's share of a pixel."""

    hu: NDArray[np.float32]
    mineral: NDArray[np.float32]
    metals: Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class ImageChain:
    """A protocol made ready for one matrix and pixel size."""

    config: CtConfig
    beam: Beam
    transfer: NDArray[np.float32]

    @staticmethod
    def of(config: CtConfig) -> ImageChain:
        shape = (config.matrix, config.matrix)
        filtering = transfer(KERNELS[config.kernel], shape, config.pixel_mm)
        return ImageChain(config, Beam.of(config.kvp), filtering)

    def form(
        self, there: Slice, noise: NDArray[np.float32] | None, level_hu: float
    ) -> NDArray[np.int16]:
        """The stored HU; `noise` has variance 1, `level_hu` is its size behind the reference."""
        artefact, spread = self._seen_by_rays(there)
        hu = there.hu
        for name, share in there.metals.items():
            hu = hu + share * (np.float32(METALS[name].hu) - hu)
        image = irfft2(rfft2(hu) * self.transfer, s=hu.shape)
        factor = hu.shape[0] / artefact.shape[0]
        result = np.empty(hu.shape, np.int16)
        if noise is None:
            noise = np.zeros(hu.shape, np.float32)
        _compose(image, noise, artefact, spread * np.float32(level_hu), factor, result)
        return result

    def _seen_by_rays(self, there: Slice) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Coarse pictures: the error of the HU, and the noise relative to the reference."""
        config, metals = self.config, list(there.metals)
        wanted = COARSE_METAL_MM if metals else COARSE_MM
        factor = max(int(wanted / config.pixel_mm), 1)
        n = -(-config.matrix // factor)
        layers = np.zeros((n, n, 2 + len(metals)), np.float32)
        _coarse(there.hu, factor, -1000.0, layers[..., 0])
        _coarse(there.mineral, factor, 0.0, layers[..., 1])
        for m, name in enumerate(metals, start=2):
            _coarse(there.metals[name], factor, 0.0, layers[..., m])
        layers[..., 0] = 1.0 + layers[..., 0] / 1000.0
        total = layers[..., 0].copy()
        layers[..., 0] -= layers[..., 1] * np.float32(HU_PER_MG_CM3 / 1000.0)
        for m in range(2, layers.shape[2]):
            layers[..., 0] *= 1.0 - layers[..., m]
        pixel = factor * config.pixel_mm
        lengths = project(layers, ANGLES_METAL if metals else ANGLES) * np.float32(pixel)
        water = np.maximum(lengths[..., 0], 0.0)
        apatite = lengths[..., 1] * np.float32(1e-4)
        steel = {name: lengths[..., m] for m, name in enumerate(metals, start=2)}
        depth = WATER_PER_MM * (water + 10.0 * HU_PER_MG_CM3 * apatite)
        error = self.beam.error(water, apatite, steel, config.bone_hardening)
        error -= cup_coefficient(config) * depth**2
        for name, length in steel.items():
            depth = depth + WATER_PER_MM * (1.0 + METALS[name].hu / 1000.0) * length
        artefact = reconstruct(error.astype(np.float32)) * np.float32(
            1000.0 / (WATER_PER_MM * pixel)
        )
        artefact += np.float32(MEAN_CUP * config.cupping_hu) * np.clip(total, 0.0, 2.0)
        extra = np.minimum(depth - WATER_PER_MM * REFERENCE_DIAMETER_MM, MOST_EXTRA_DEPTH)
        return artefact, np.sqrt(mean_of_rays(np.exp(extra).astype(np.float32)))


@numba.njit(cache=True, nogil=True)
def _coarse(image, factor, outside, result):  # pragma: no cover - compiled
    """Means over blocks; what a block has beyond the image counts as `outside`."""
    ny, nx = image.shape
    n = result.shape[0]
    for j in range(n):
        for i in range(n):
            total = np.float32(0.0)
            for y in range(j * factor, (j + 1) * factor):
                for x in range(i * factor, (i + 1) * factor):
                    total += image[y, x] if y < ny and x < nx else np.float32(outside)
            result[j, i] = total / np.float32(factor * factor)


@numba.njit(cache=True, nogil=True)
def _compose(image, noise, artefact, spread, factor, result):  # pragma: no cover - compiled
    """Image, interpolated artefact and noise of interpolated size, rounded to the 12-bit scale."""
    ny, nx = image.shape
    n = artefact.shape[0]
    for y in range(ny):
        v = min(max((y + 0.5) / factor - 0.5, 0.0), n - 1.001)
        j = int(v)
        fy = np.float32(v - j)
        for x in range(nx):
            u = min(max((x + 0.5) / factor - 0.5, 0.0), n - 1.001)
            i = int(u)
            fx = np.float32(u - i)
            a = (1 - fy) * ((1 - fx) * artefact[j, i] + fx * artefact[j, i + 1]) + fy * (
                (1 - fx) * artefact[j + 1, i] + fx * artefact[j + 1, i + 1]
            )
            s = (1 - fy) * ((1 - fx) * spread[j, i] + fx * spread[j, i + 1]) + fy * (
                (1 - fx) * spread[j + 1, i] + fx * spread[j + 1, i + 1]
            )
            value = np.rint(image[y, x] + a + s * noise[y, x])
            result[y, x] = min(max(value, MIN_HU), MAX_HU)
