"""Scattered radiation behind the patient, and what an anti-scatter grid leaves of it.

Scatter is the primary beam times a ratio that rises with the thickness passed, spread by a broad
kernel: a small field or a thin part then scatters less. Sources: ratio about 4.5 behind 25 cm
(Bushberg et al., as quoted on dosesave.com/en/makale-sacilma). Kernel, transmissions of the grids
and the loss by misalignment, ratio x decentring / distance, are text-book figures (unverified).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bmdpipe.geometry.camera import Camera
from bmdpipe.virtual.xray.filters import enlarged, reduced

RATIO_PER_CM = 0.18
"""Scatter over primary of a large field, without a grid, per cm of water that is passed."""
KERNEL_MM = ((0.35, 22.0), (0.65, 65.0))
"""Shares and standard deviations at the detector."""
RASTER_MM = 6.0
GRIDS = {8: (0.72, 0.13), 10: (0.70, 0.10), 12: (0.68, 0.08)}
"""Transmission of primary and of scattered radiation by grid ratio."""
LEAST_TRANSMISSION = 0.05


@dataclass(frozen=True)
class Grid:
    """A focused grid whose strips run along the body. `decentred_mm` shifts it sideways against the
    focus, `focal_mm` is the distance it is made for."""

    ratio: int
    focal_mm: float
    decentred_mm: float

    def primary(self, camera: Camera) -> NDArray[np.float32]:
        """Transmission of the primary beam by column: less where the strips miss the focus."""
        columns = np.arange(camera.size_px[0]) - camera.principal_point_px[0]
        across = columns * camera.spacing_mm[0] - self.decentred_mm
        defocused = across * (1.0 / self.focal_mm - 1.0 / camera.sdd_mm)
        lost = self.ratio * np.abs(self.decentred_mm / camera.sdd_mm + defocused)
        whole = GRIDS[self.ratio][0]
        return (whole * np.clip(1.0 - lost, LEAST_TRANSMISSION, 1.0)).astype(np.float32)

    @property
    def scattered(self) -> float:
        return GRIDS[self.ratio][1]


def scattered(
    primary: NDArray[np.float32], mass_g_cm2: NDArray[np.float32], pixel_mm: float
) -> NDArray[np.float32]:
    """Scatter `[y, x]` in the unit of `primary`, both before the grid.

    Outside of the image there is no beam, so what spreads beyond the edge is lost.
    """
    factor = max(int(RASTER_MM / pixel_mm), 1)
    source = RATIO_PER_CM * reduced(mass_g_cm2, factor) * reduced(primary, factor)
    raster = factor * pixel_mm
    spread = np.zeros_like(source)
    for share, sigma in KERNEL_MM:
        spread += np.float32(share) * _spread(source, sigma / raster)
    return enlarged(spread, primary.shape, factor)


def _spread(source: NDArray[np.float32], sigma_px: float) -> NDArray[np.float32]:
    """Convolution with a Gaussian function of sum one, zeros around."""
    matrices = []
    for size in source.shape:
        apart = np.arange(size)[:, None] - np.arange(size)[None, :]
        taps = np.exp(-0.5 * (np.arange(-8 * size, 8 * size + 1) / sigma_px) ** 2)
        matrices.append(np.exp(-0.5 * (apart / sigma_px) ** 2) / taps.sum())
    return (matrices[0] @ source @ matrices[1]).astype(np.float32)
