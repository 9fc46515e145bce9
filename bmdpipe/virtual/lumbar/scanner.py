"""The lumbar cohort's CT: soft tissue, bone and calcium to HU, with the scanner's blur and noise.

A small adapter of its own: it shares no code with the hip's scanner but follows the same scale
(density = slope * HU + intercept undoes it).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from bmdpipe.core.config.virtual.lumbar import LumbarConfig
from bmdpipe.core.volume import Volume
from bmdpipe.virtual.demographics import Person, stream
from bmdpipe.virtual.lumbar.bones import FineGrid
from bmdpipe.virtual.lumbar.paint import paint
from bmdpipe.virtual.lumbar.trunk import Trunk

AIR_HU, TABLE_SHELL_HU, TABLE_CORE_HU = -1000.0, -180.0, -920.0


@dataclass(frozen=True)
class Scale:
    """The scanner's state on the day: density = slope * HU + intercept."""

    slope: float
    intercept: float


def draw_scale(config: LumbarConfig, number: int) -> Scale:
    z = np.clip(stream(config.seed, number, "ct scale").standard_normal(2), -2.5, 2.5)
    return Scale(
        slope=round(float(config.slope + config.slope_sd * z[0]), 5),
        intercept=round(float(config.intercept_mg_cm3 + config.intercept_sd_mg_cm3 * z[1]), 3),
    )


def soft_hu(
    trunk: Trunk, grid: FineGrid, scale: Scale, nominal_slope: float
) -> NDArray[np.float32]:
    """The patient without bones, and the table, on the CT's own voxels."""
    hu = np.full(grid.shape, AIR_HU, np.float32)
    origin, spacing = np.array(grid.origin_mm), np.array(grid.spacing_mm)
    _add_table(hu, grid, trunk.back_mm)
    paint(hu, trunk.rows, origin, spacing, trunk.offset)
    # Soft tissue drifts with the scale as bone does, air does not.
    gain = np.float32(nominal_slope / scale.slope)
    return np.where(hu > -500.0, hu * gain, hu)


def _add_table(hu: NDArray[np.float32], grid: FineGrid, back_mm: float) -> None:
    """A curved couch under a thin mattress."""
    y = (grid.origin_mm[1] + grid.spacing_mm[1] * np.arange(grid.size[1]))[:, None]
    x = (grid.origin_mm[0] + grid.spacing_mm[0] * np.arange(grid.size[0]))[None]
    deep = y - (back_mm + 9.0 - 0.0011 * x**2)
    wide = np.clip((215.0 - np.abs(x)) / grid.spacing_mm[0], 0.0, 1.0)
    for centre, half, value in ((14.0, 14.0, TABLE_CORE_HU), (1.0, 1.2, TABLE_SHELL_HU)):
        share = np.clip(0.5 - (np.abs(deep - centre) - half) / grid.spacing_mm[1], 0.0, 1.0) * wide
        hu += (share * (value - AIR_HU)).astype(np.float32)


def acquire(
    config: LumbarConfig,
    person: Person,
    soft: NDArray[np.float32],
    fraction: NDArray[np.float32],
    density: NDArray[np.float32],
    scale: Scale,
    grid: FineGrid,
) -> Volume:
    """HU as the scanner stores them: bone replaces soft tissue, then blur, noise, rounding."""
    zero = np.float32(-scale.intercept / scale.slope)
    hu = soft + fraction * (zero - soft) + density * np.float32(1.0 / scale.slope)
    sigma = config.blur_mm / config.pixel_mm
    if sigma > 0.05:
        hu = gaussian_filter(hu, (0.0, sigma, sigma), truncate=3.0, mode="nearest")
    if config.noise_hu > 0:
        hu += _noise(config, person, grid)
    stored = np.clip(np.rint(hu), -1024, 3071).astype(np.int16)
    return Volume(stored, grid.spacing_mm, grid.origin_mm, "HU")


def _noise(config: LumbarConfig, person: Person, grid: FineGrid) -> NDArray[np.float32]:
    """Band-limited, without its low frequencies as after a ramp filter, most in the middle.

    A scanner with tube current modulation makes up for half of a heavier patient's attenuation.
    """
    rng = stream(config.seed, person.number, "ct noise")
    white = rng.standard_normal(grid.shape, dtype=np.float32)
    grain = config.noise_grain_mm / config.pixel_mm
    fine = gaussian_filter(white, (0.0, grain, grain), truncate=3.0, mode="wrap")
    noise = fine - gaussian_filter(white, (0.0, 3 * grain, 3 * grain), truncate=2.0, mode="wrap")
    noise *= np.float32(1.0 / max(float(noise.std()), 1e-6))
    x = (np.arange(grid.size[0]) - 0.5 * grid.size[0]) * grid.spacing_mm[0]
    y = (np.arange(grid.size[1]) - 0.5 * grid.size[1]) * grid.spacing_mm[1]
    shade = 0.65 + 0.35 * np.exp(-(x[None] ** 2 + y[:, None] ** 2) / (2.0 * 110.0**2))
    level = config.noise_hu * np.exp(0.025 * (person.bmi - 23.5))
    return noise * (level * shade).astype(np.float32)
