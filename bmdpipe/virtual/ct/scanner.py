"""The virtual CT scanner: HU with the scanner's own scale, blur and noise, phantom and table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from bmdpipe.core.config.virtual.cohort import VirtualConfig
from bmdpipe.core.config.virtual.phantom import PhantomConfig
from bmdpipe.core.volume import Volume
from bmdpipe.virtual.demographics import stream
from bmdpipe.virtual.hip.anatomy import Anatomy, CtGrid, on_ct
from bmdpipe.virtual.hip.soft_tissue import tissue_fractions

LEAN_HU, FAT_HU, AIR_HU = 48.0, -100.0, -1000.0
TABLE_SHELL_HU, TABLE_CORE_HU = -150.0, -930.0
NOMINAL_SLOPE = 0.8
"""The slope of a scanner without error; soft tissue drifts with the scale as bone does."""


@dataclass(frozen=True)
class Scale:
    """The scanner's state on the day: density = slope * HU + intercept undoes it."""

    slope: float
    intercept: float

    def hu_of_density(self, density: NDArray) -> NDArray:
        return (density - self.intercept) / self.slope

    def hu_of_nominal(self, hu: float) -> float:
        return (NOMINAL_SLOPE * hu - self.intercept) / self.slope


@dataclass(frozen=True)
class Rod:
    """A rod of the phantom: a point on its axis and the axis' unit vector (LPS mm)."""

    density_mg_cm3: float
    point_mm: NDArray[np.float64]
    axis: NDArray[np.float64]


@dataclass(frozen=True)
class Scan:
    """A CT as acquired and what is true of it, all on one grid."""

    hu: Volume
    labels: Volume
    density: Volume
    scale: Scale
    rods: tuple[Rod, ...]
    feet_first: bool


def draw_scale(config: VirtualConfig, number: int) -> Scale:
    rng = stream(config.seed, number, "ct scale")
    slope_z, intercept_z = np.clip(rng.standard_normal(2), -2.5, 2.5)
    return Scale(
        slope=round(float(config.ct.slope + config.ct.slope_sd * slope_z), 5),
        intercept=round(
            float(config.ct.intercept_mg_cm3 + config.ct.intercept_sd_mg_cm3 * intercept_z), 3
        ),
    )


def scan(config: VirtualConfig, anatomy: Anatomy) -> Scan:
    """A CT of the subject on the phantom, and its truth."""
    number, grid = anatomy.person.number, anatomy.grid
    scale = draw_scale(config, number)
    rng = stream(config.seed, number, "ct")
    thighs = {s: anatomy.thigh(s) for s in ("R", "L")}
    lean, fat = tissue_fractions(
        anatomy.soft, thighs, grid.origin_mm, grid.spacing_mm, grid.size, lying=True
    )
    lean_hu, fat_hu = (np.float32(scale.hu_of_nominal(v)) for v in (LEAN_HU, FAT_HU))
    hu = AIR_HU + lean * (lean_hu - np.float32(AIR_HU)) + fat * (fat_hu - np.float32(AIR_HU))
    feet_first = bool(rng.random() < config.ct.feet_first_fraction)
    rods = _draw_rods(config.phantom, anatomy, rng, feet_first)
    _add_phantom_and_table(hu, grid, config.phantom, rods, anatomy.soft.back_mm, scale)
    labels = np.zeros(hu.shape, np.uint8)
    density = np.zeros(hu.shape, np.float32)
    for value, body in enumerate(anatomy.bodies.values(), start=1):
        share = on_ct(body, body.fraction, grid)
        labels[share >= 0.5] = value
        mineral = on_ct(body, body.density.array, grid)
        density += mineral
        zero = np.float32(scale.hu_of_density(np.array(0.0)))
        hu += share * (zero - hu) + mineral * np.float32(1.0 / scale.slope)
    acquired = _acquire(hu, config, rng)
    return Scan(
        hu=grid.volume(acquired, "HU"),
        labels=grid.volume(labels, "label"),
        density=grid.volume(np.rint(density).astype(np.int16), "mg/cm3"),
        scale=scale,
        rods=rods,
        feet_first=feet_first,
    )


def _draw_rods(
    config: PhantomConfig, anatomy: Anatomy, rng: np.random.Generator, feet_first: bool
) -> tuple[Rod, ...]:
    """Rods in a row under the back; a subject lying feet first sees them in reversed order."""
    tilt, rise = np.radians(config.tilt_sd_deg) * np.clip(rng.standard_normal(2), -2, 2)
    shift = rng.uniform(-12, 12)
    axis = np.array([np.sin(tilt), 0.25 * np.sin(rise), 1.0])
    axis /= np.linalg.norm(axis)
    n = len(config.rod_densities_mg_cm3)
    places = (np.arange(n) - 0.5 * (n - 1)) * config.rod_spacing_mm * (-1 if feet_first else 1)
    middle_z = anatomy.grid.origin_mm[2] + 0.5 * anatomy.grid.size[2] * anatomy.grid.spacing_mm[2]
    y = anatomy.soft.back_mm + 2.0 + 0.5 * config.height_mm
    return tuple(
        Rod(density, np.array([shift + x, y, middle_z]), axis)
        for density, x in zip(config.rod_densities_mg_cm3, places, strict=True)
    )


def _add_phantom_and_table(
    hu: NDArray[np.float32],
    grid: CtGrid,
    config: PhantomConfig,
    rods: tuple[Rod, ...],
    back_mm: float,
    scale: Scale,
) -> None:
    """Paint both below the back, in place, with partial volumes in the slice plane."""
    xs, ys, zs = (
        o + s * np.arange(n)
        for o, s, n in zip(grid.origin_mm, grid.spacing_mm, grid.size, strict=True)
    )
    pixel = grid.spacing_mm[0]
    start = int(np.searchsorted(ys, back_mm - 2.0))
    part = hu[:, start:, :]
    y = ys[start:][:, None]
    top = back_mm + 2.0
    middle = np.mean([rod.point_mm[0] for rod in rods])
    n = len(rods)
    half = 0.5 * (n - 1) * config.rod_spacing_mm + 0.5 * config.rod_diameter_mm + 14.0

    def cover(distance: NDArray) -> NDArray:
        return np.clip(0.5 - distance / pixel, 0.0, 1.0).astype(np.float32)

    under = top + config.height_mm
    sag = 0.0014 * xs[None] ** 2
    shell = np.abs(y - (under + 3.0)) - 1.5
    core = np.maximum(y - (under + 45.0 - sag), under + 3.0 - y)
    wide = np.abs(xs[None]) - 205.0
    for distance, value in ((core, TABLE_CORE_HU), (shell, TABLE_SHELL_HU)):
        share = cover(np.maximum(distance, wide))
        part += share * (np.float32(value) - part)
    box = np.maximum(
        np.abs(xs[None] - middle) - half, np.abs(y - 0.5 * (top + under)) - 0.5 * config.height_mm
    )
    part += cover(box) * (np.float32(scale.hu_of_nominal(config.base_hu)) - part)
    for rod in rods:
        filling = np.float32(scale.hu_of_density(np.array(rod.density_mg_cm3)))
        for k, z in enumerate(zs):
            t = (z - rod.point_mm[2]) / rod.axis[2]
            cx, cy = rod.point_mm[:2] + t * rod.axis[:2]
            i0, i1 = np.searchsorted(xs, [cx - config.rod_diameter_mm, cx + config.rod_diameter_mm])
            radius = np.hypot(xs[None, i0:i1] - cx, y - cy)
            window = part[k, :, i0:i1]
            window += cover(radius - 0.5 * config.rod_diameter_mm) * (filling - window)


def _acquire(
    hu: NDArray[np.float32], config: VirtualConfig, rng: np.random.Generator
) -> NDArray[np.int16]:
    """In-plane blur, correlated noise, rounding."""
    ct = config.ct
    blurred = _smooth(hu, ct.blur_mm / ct.pixel_mm)
    if ct.noise_hu > 0:
        noise = _smooth(
            rng.standard_normal(hu.shape, dtype=np.float32), ct.noise_grain_mm / ct.pixel_mm
        )
        blurred += noise * np.float32(ct.noise_hu / noise[:: max(len(noise) // 8, 1)].std())
    return np.clip(np.rint(blurred), -1024, 3071).astype(np.int16)


def _smooth(array: NDArray[np.float32], sigma_px: float) -> NDArray[np.float32]:
    if sigma_px < 0.05:
        return array.copy()
    once = gaussian_filter1d(array, sigma_px, axis=2, truncate=3.0, mode="nearest")
    return gaussian_filter1d(once, sigma_px, axis=1, truncate=3.0, mode="nearest")
