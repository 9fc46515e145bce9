"""What bones are made of at a place: from their primitives' tables or from a lattice of fields."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from bmdpipe.virtual.shape.noise import value_noise

STRUT_COLUMNS = 8
"""ax ay az bx by bz sigma amplitude: a band of more or less trabecular bone along a segment."""
NO_TEXTURE = 1.0
"""Where amplitude times density (mg/cm3) is below this, no texture can be seen."""
BORDER_MM = 6.0
"""Over this distance, material properties of neighbouring primitives pass into each other."""
CHANNELS = 8
"""Of a material: cortex (mm), trabecular density (mg/cm3); of each of two families of trabeculae
the relative amplitude of its texture, the coordinate across and that along the trabeculae (mm)."""


@dataclass(frozen=True)
class Material:
    """Smooth fields `[z, y, x, channel]` on a coarse lattice of the bone's own frame.

    `index_from_world` has four rows: the lattice's x, y, z index, and the depth coordinate (mm)
    that both families of trabeculae share.
    """

    values: NDArray[np.float32]
    index_from_world: NDArray[np.float64]
    amplitude: float
    grain_mm: tuple[float, float, float]
    """Of the coarser of two scales: across the trabeculae, in depth, along them."""

    @classmethod
    def none(cls) -> Material:
        """The columns of the primitives' tables say what the bone is made of."""
        empty = np.empty((0, 0, 0, CHANNELS), np.float32)
        return cls(empty, np.zeros((4, 4)), 0.0, (1.0, 1.0, 1.0))


@numba.njit(fastmath=True, cache=True)
def of_tables(solids, struts, near, found, texture, x, y, z):  # pragma: no cover - compiled
    """Cortex (mm) and trabecular density (mg/cm3) where `found` holds the solids' distances."""
    least = 1e6
    for q in range(len(near)):
        least = min(least, found[q])
    weights, cortex, core = 1e-12, 0.0, 0.0
    for q in range(len(near)):
        w = max(1.0 - (found[q] - least) / BORDER_MM, 0.0)
        weights += w * w
        cortex += w * w * solids[near[q], 13]
        core += w * w * solids[near[q], 14]
    cortex /= weights
    core /= weights
    for q in range(len(struts)):
        r = struts[q]
        bx, by, bz = r[3] - r[0], r[4] - r[1], r[5] - r[2]
        px, py, pz = x - r[0], y - r[1], z - r[2]
        t = (px * bx + py * by + pz * bz) / (bx * bx + by * by + bz * bz + 1e-12)
        t = min(max(t, 0.0), 1.0)
        gx, gy, gz = px - t * bx, py - t * by, pz - t * bz
        core += r[7] * np.exp(-0.5 * (gx * gx + gy * gy + gz * gz) / (r[6] * r[6]))
    grain = value_noise(x / texture[1] + texture[2], y / texture[1], z / (2.0 * texture[1]))
    return cortex, max(core * (1.0 + texture[0] * grain), 0.0)


@numba.njit(fastmath=True, cache=True)
def of_lattice(values, lattice, fibre, offset, x, y, z):  # pragma: no cover - compiled
    """The same from a material; `fibre` holds the texture's amplitude and grain."""
    nz, ny, nx, _ = values.shape
    fx = lattice[0, 0] * x + lattice[0, 1] * y + lattice[0, 2] * z + lattice[0, 3]
    fy = lattice[1, 0] * x + lattice[1, 1] * y + lattice[1, 2] * z + lattice[1, 3]
    fz = lattice[2, 0] * x + lattice[2, 1] * y + lattice[2, 2] * z + lattice[2, 3]
    deep = lattice[3, 0] * x + lattice[3, 1] * y + lattice[3, 2] * z + lattice[3, 3]
    fx = min(max(fx, 0.0), nx - 1.0001)
    fy = min(max(fy, 0.0), ny - 1.0001)
    fz = min(max(fz, 0.0), nz - 1.0001)
    i, j, k = int(fx), int(fy), int(fz)
    fx, fy, fz = fx - i, fy - j, fz - k
    cortex, core, a0, p0, s0, a1, p1, s1 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for c in range(2):
        for b in range(2):
            for a in range(2):
                w = (fx if a else 1 - fx) * (fy if b else 1 - fy) * (fz if c else 1 - fz)
                v = values[k + c, j + b, i + a]
                cortex += w * v[0]
                core += w * v[1]
                a0 += w * v[2]
                p0 += w * v[3]
                s0 += w * v[4]
                a1 += w * v[5]
                p1 += w * v[6]
                s1 += w * v[7]
    if core * (a0 + a1) < NO_TEXTURE:
        return cortex, core
    texture = a0 * _fibres(p0, deep, s0, fibre, offset)
    texture += a1 * _fibres(p1, deep, s1, fibre, offset + 517.3)
    return cortex, core * max(1.0 + fibre[0] * texture, 0.0)


@numba.njit(fastmath=True, cache=True)
def _fibres(across, deep, along, fibre, offset):  # pragma: no cover - compiled
    """Noise of two scales, stretched along the trabeculae."""
    u, v, w = across / fibre[1] + offset, deep / fibre[2], along / fibre[3]
    coarse = value_noise(u, v, w)
    return 0.62 * coarse + 0.62 * value_noise(2.13 * u, 2.13 * v + 71.7, 1.71 * w)
