"""Findings laid into the lungs' voxels, compiled."""

from __future__ import annotations

import numba
import numpy as np

from bmdpipe.core.volume import Volume
from bmdpipe.virtual.chest.findings import Findings
from bmdpipe.virtual.chest.thorax import WIDE_MM
from bmdpipe.virtual.chest.traits import Build
from bmdpipe.virtual.shape.noise import value_noise
from bmdpipe.virtual.xray.materials import MUSCLE


def lay_findings(findings: Findings, lung: Volume, build: Build) -> Volume:
    """Fraction of lean tissue that findings add to the lungs, or in a cavity take from them."""
    excess = np.zeros_like(lung.array)
    if len(findings.shapes):
        aerated = build.lung_g_cm3 / MUSCLE.density
        _lay(findings.shapes, lung.array, np.array(lung.origin_mm), lung.spacing_mm[0], aerated,
             build.offset, (WIDE_MM - 6.0) * build.stretch[0], excess)  # fmt: skip
    return lung.like(excess, "fraction")


@numba.njit(fastmath=True, cache=True)
def _lay(shapes, lung, origin, step, aerated, offset, wide, excess):  # pragma: no cover - compiled
    nz, ny, nx = lung.shape
    for q in range(len(shapes)):
        row = shapes[q]
        kind = row[0]
        low, high = np.empty(3), np.empty(3)
        for axis in range(3):
            centre, reach = row[1 + axis], 1.6 * row[4 + axis] + 4.0
            low[axis], high[axis] = centre - reach, centre + reach
            if kind == 3.0:
                low[axis] = min(low[axis], row[10 + axis] - reach)
                high[axis] = max(high[axis], row[10 + axis] + reach)
            if kind == 2.0:
                low[axis], high[axis] = -1e4, 1e4
        i0 = max(int((low[0] - origin[0]) / step), 0)
        i1 = min(int((high[0] - origin[0]) / step) + 2, nx)
        j0 = max(int((low[1] - origin[1]) / step), 0)
        j1 = min(int((high[1] - origin[1]) / step) + 2, ny)
        k0 = max(int((low[2] - origin[2]) / step), 0)
        k1 = min(int((high[2] - origin[2]) / step) + 2, nz)
        grain = row[8]
        for k in range(k0, k1):
            z = origin[2] + k * step
            for j in range(j0, j1):
                y = origin[1] + j * step
                for i in range(i0, i1):
                    room = lung[k, j, i]
                    if room <= 0.0:
                        continue
                    x = origin[0] + i * step
                    noise = value_noise(x / grain + offset, y / grain, z / grain + q)
                    fine = value_noise(2.3 * x / grain, 2.3 * y / grain + offset, 2.3 * z / grain)
                    noise = 0.7 * noise + 0.45 * fine
                    px, py, pz = x - row[1], y - row[2], z - row[3]
                    want = 0.0
                    if kind == 0.0:
                        r = np.sqrt((px / row[4]) ** 2 + (py / row[5]) ** 2 + (pz / row[6]) ** 2)
                        want = row[7] * min(max((1.0 - r) / row[9] + 0.9 * noise, 0.0), 1.0)
                        want *= min(max(3.0 * (1.5 - r), 0.0), 1.0)
                    elif kind == 1.0:
                        r = np.sqrt((px / row[4]) ** 2 + (py / row[5]) ** 2 + (pz / row[6]) ** 2)
                        r += 0.16 * noise
                        soft = step / row[4]
                        outer = min(max(0.5 + (1.0 - r) / soft, 0.0), 1.0)
                        inner = min(max(0.5 + (1.0 - row[9] - r) / soft, 0.0), 1.0)
                        want = row[7] * (outer - inner)
                        if inner > 0.0:
                            have = aerated + excess[k, j, i]
                            excess[k, j, i] -= np.float32(room * inner * have)
                    elif kind == 2.0:
                        if x * row[1] <= 0.0:
                            continue
                        rise = row[9] * np.exp(-max(wide - abs(x), 0.0) / 13.0)
                        want = min(max(0.5 + (row[3] + rise - z) / 3.0, 0.0), 1.0)
                        # The pleurae do not meet below the heart: fluid thins out before it.
                        want *= min(max((abs(x) - 8.0) / 24.0, 0.0), 1.0)
                    else:
                        ax, ay, az = row[10] - row[1], row[11] - row[2], row[12] - row[3]
                        t = (px * ax + py * ay + pz * az) / (ax * ax + ay * ay + az * az + 1e-9)
                        t = min(max(t, 0.0), 1.0)
                        gx, gy, gz = px - t * ax, py - t * ay, pz - t * az
                        d2 = gx * gx + gy * gy + gz * gz
                        want = row[7] * np.exp(-0.5 * d2 / (row[4] * row[4])) * (1.0 + 0.5 * noise)
                    have = excess[k, j, i]
                    free = room * (1.0 - aerated) - max(have, 0.0)
                    excess[k, j, i] = have + np.float32(max(min(want * room, free), 0.0))
