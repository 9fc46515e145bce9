"""What lies under the patient: the calibration phantom in a foam mattress on a curved carbon table.

All three share one frame, a little oblique to the scanner's axes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from bmdpipe.core.config.virtual.phantom import PhantomConfig
from bmdpipe.virtual.ct.scale import Scale
from bmdpipe.virtual.hip.fine_grid import CtGrid

GAP_MM = 2.0
"""Cloth between the back and the phantom."""
FOAM_UNDER_MM, HALF_WIDTH_MM = 8.0, 205.0
TOP_RADIUS_MM, BOTTOM_RADIUS_MM, DEPTH_MM = 700.0, 380.0, 30.0
"""The cradle: hollow above, rounder below, deepest at its middle."""
SHELL_MM, RAIL_MM = 1.8, 6.0
"""Thickness of the laminate, radius of the rails at the table's sides."""
SHELL_HU, CORE_HU, FOAM_HU = 60.0, -930.0, -955.0
"""Carbon laminate, rigid foam, mattress (unverified)."""
RIM_MM = 14.0
"""Phantom beyond its outer rods."""


@dataclass(frozen=True)
class Rod:
    """A rod of the phantom: a point on its axis and the axis' unit vector (LPS mm)."""

    density_mg_cm3: float
    point_mm: NDArray[np.float64]
    axis: NDArray[np.float64]


@dataclass(frozen=True)
class Couch:
    """The phantom's middle, and as rows of `frame` the unit vectors across, down and along it."""

    centre_mm: NDArray[np.float64]
    frame: NDArray[np.float64]
    rods: tuple[Rod, ...]
    material: NDArray[np.float64]
    """Rows `across_mm, HU, density mg/cm3` of the rods."""
    sizes: NDArray[np.float64]
    """Phantom's half width and half height, rod radius (mm), base HU, depth of the table's top."""

    @property
    def table_top_mm(self) -> float:
        """How far the table's top lies below the phantom's middle, mm."""
        return float(self.sizes[4])


def draw_couch(
    config: PhantomConfig,
    grid: CtGrid,
    back_mm: float,
    scale: Scale,
    rng: np.random.Generator,
    feet_first: bool,
) -> Couch:
    """Rods in a row under the back; a subject lying feet first sees them in reversed order."""
    tilt = config.tilt_sd_deg * np.clip(rng.standard_normal(3), -2, 2)
    shift = rng.uniform(-12, 12)
    # About x: the table sags along z. About y: it stands askew. About z: it rolls, least of all.
    frame = Rotation.from_euler("xyz", tilt * [0.6, 1.0, 0.5], degrees=True).as_matrix().T
    middle_z = grid.origin_mm[2] + 0.5 * grid.size[2] * grid.spacing_mm[2]
    centre = np.array([shift, back_mm + GAP_MM + 0.5 * config.height_mm, middle_z])
    n = len(config.rod_densities_mg_cm3)
    places = (np.arange(n) - 0.5 * (n - 1)) * config.rod_spacing_mm * (-1 if feet_first else 1)
    densities = np.array(config.rod_densities_mg_cm3)
    hu = [scale.hu_of_density(float(d)) for d in densities]
    half = 0.5 * (n - 1) * config.rod_spacing_mm + 0.5 * config.rod_diameter_mm + RIM_MM
    return Couch(
        centre_mm=centre,
        frame=frame,
        rods=tuple(
            Rod(float(d), centre + x * frame[0], frame[2])
            for d, x in zip(densities, places, strict=True)
        ),
        material=np.column_stack([places, hu, densities]),
        sizes=np.array(
            [
                half,
                0.5 * config.height_mm,
                0.5 * config.rod_diameter_mm,
                scale.hu_of_nominal(config.base_hu),
                0.5 * config.height_mm + FOAM_UNDER_MM,
            ]
        ),
    )


def paint_couch(
    couch: Couch, grid: CtGrid, k: int, hu: NDArray[np.float32], mineral: NDArray[np.float32]
) -> None:
    """Add phantom, mattress and table to slice `k` in place, with partial volumes."""
    x, y, z = grid.origin_mm
    corner = np.array([x, y, z + k * grid.spacing_mm[2]]) - couch.centre_mm
    _paint(corner, grid.spacing_mm[0], couch.frame, couch.material, couch.sizes, hu, mineral)


@numba.njit(cache=True, nogil=True)
def _paint(corner, pixel, frame, rods, sizes, hu, mineral):  # pragma: no cover - compiled
    half_width, half_height, radius, base_hu, top_depth = sizes
    ny, nx = hu.shape
    rail_depth = top_depth - HALF_WIDTH_MM**2 / (2.0 * TOP_RADIUS_MM) + 0.5 * RAIL_MM
    first = max(int((-half_height - 20.0 - corner[1]) / pixel), 0)
    for j in range(first, ny):
        y = corner[1] + j * pixel
        for i in range(nx):
            x = corner[0] + i * pixel
            u = frame[0, 0] * x + frame[0, 1] * y + frame[0, 2] * corner[2]
            v = frame[1, 0] * x + frame[1, 1] * y + frame[1, 2] * corner[2]
            top = top_depth - u * u / (2.0 * TOP_RADIUS_MM)
            bottom = top_depth + DEPTH_MM - u * u / (2.0 * BOTTOM_RADIUS_MM)
            side = abs(u) - HALF_WIDTH_MM
            empty = 1.0 - min(max((hu[j, i] + 1000.0) / 900.0, 0.0), 1.0)
            layers = -1000.0
            foam = max(max(-half_height - v, v - top), side + 10.0)
            layers += _cover(foam, pixel) * (FOAM_HU - layers)
            core = max(max(top - v, v - bottom), side)
            layers += _cover(core, pixel) * (CORE_HU - layers)
            shell = max(min(abs(v - top), abs(v - bottom)) - 0.5 * SHELL_MM, side)
            layers += _cover(shell, pixel) * (SHELL_HU - layers)
            rail = np.sqrt(side * side + (v - rail_depth) ** 2) - RAIL_MM
            layers += _cover(rail, pixel) * (SHELL_HU - layers)
            value = hu[j, i] + empty * (layers + 1000.0)
            box = _cover(max(abs(u) - half_width, abs(v) - half_height), pixel)
            value += box * (base_hu - value)
            if box > 0.0:
                for r in range(len(rods)):
                    away = u - rods[r, 0]
                    share = _cover(np.sqrt(away * away + v * v) - radius, pixel)
                    value += share * (rods[r, 1] - value)
                    mineral[j, i] += share * rods[r, 2]
            hu[j, i] = value


@numba.njit(cache=True, nogil=True, inline="always")
def _cover(distance, pixel):  # pragma: no cover - compiled
    """Share of a pixel inside a boundary at a signed distance."""
    return min(max(0.5 - distance / pixel, 0.0), 1.0)
