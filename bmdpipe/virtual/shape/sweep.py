"""Shapes with one curved run: elliptic sections swept along an axis, and ellipsoids, compiled.

A sweep has a frame (origin, axis, and two directions across) and, at even steps along the axis, the
centre of its section and four half widths, so that each quarter of a section is its own ellipse.
An ellipsoid has six half widths. A signed distance is negative inside and of first order near the
surface. Source: bound of an ellipsoid's distance, Quilez, https://iquilezles.org/articles/ellipsoids
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import PchipInterpolator

FRAME_COLUMNS = 17
"""origin, axis, first across, second across (3 each), start, step, count, blend, row of profile."""
PROFILE_COLUMNS = 6
"""Centre along both directions across; half widths towards +first, -first, +second, -second. Of an
ellipsoid, whose count is 0: half widths towards + and - of first, second and axis."""
STEP_MM = 0.8

Table = NDArray[np.float64]


@dataclass(frozen=True)
class Sweeps:
    """Sweeps and ellipsoids of one bone as two tables."""

    frames: Table
    profiles: Table

    @classmethod
    def none(cls) -> Sweeps:
        return cls(np.empty((0, FRAME_COLUMNS)), np.empty((0, PROFILE_COLUMNS)))


class SweepBuilder:
    """Collects sweeps and ellipsoids; `directions` are axis, first and second across as rows."""

    def __init__(self) -> None:
        self._frames: list[Table] = []
        self._profiles: list[Table] = []

    def sweep(
        self, origin: ArrayLike, directions: ArrayLike, stations: ArrayLike, blend: float
    ) -> None:
        """`stations` rows: place along the axis, then a profile's columns; smooth between them."""
        table = np.asarray(stations, dtype=float)
        table = table[np.argsort(table[:, 0])]
        start, end = table[0, 0], table[-1, 0]
        places = np.linspace(start, end, int(np.ceil((end - start) / STEP_MM)) + 1)
        profile = PchipInterpolator(table[:, 0], table[:, 1:])(places)
        self._add(origin, directions, [start, places[1] - places[0], len(places), blend], profile)

    def ellipsoid(
        self, centre: ArrayLike, directions: ArrayLike, halves: ArrayLike, blend: float
    ) -> None:
        self._add(centre, directions, [0, 1, 0, blend], np.asarray(halves, dtype=float)[None])

    def _add(
        self, origin: ArrayLike, directions: ArrayLike, numbers: list[float], profile: Table
    ) -> None:
        row = sum(len(p) for p in self._profiles)
        self._frames.append(np.array([*np.ravel(origin), *np.ravel(directions), *numbers, row]))
        self._profiles.append(profile)

    def done(self) -> Sweeps:
        return Sweeps(np.array(self._frames), np.ascontiguousarray(np.concatenate(self._profiles)))


@numba.njit(fastmath=True, cache=True)
def sweep_distance(frames, profiles, i, x, y, z):  # pragma: no cover - compiled
    """Signed distance of row `i`, mm."""
    f = frames[i]
    px, py, pz = x - f[0], y - f[1], z - f[2]
    w = px * f[3] + py * f[4] + pz * f[5]
    u = px * f[6] + py * f[7] + pz * f[8]
    v = px * f[9] + py * f[10] + pz * f[11]
    row, count = int(f[16]), int(f[14])
    if count == 0:
        p = profiles[row]
        a = p[0] if u > 0 else p[1]
        b = p[2] if v > 0 else p[3]
        c = p[4] if w > 0 else p[5]
        k0 = np.sqrt((u / a) ** 2 + (v / b) ** 2 + (w / c) ** 2)
        k1 = np.sqrt((u / a**2) ** 2 + (v / b**2) ** 2 + (w / c**2) ** 2)
        return (k0 / k1 if k1 > 1e-9 else a) * (k0 - 1.0)
    t = (w - f[12]) / f[13]
    place = min(max(t, 0.0), count - 1.000001)
    n = int(place)
    s = place - n
    lo, hi = profiles[row + n], profiles[row + n + 1]
    u -= lo[0] + s * (hi[0] - lo[0])
    v -= lo[1] + s * (hi[1] - lo[1])
    k = 2 if u > 0 else 3
    a = lo[k] + s * (hi[k] - lo[k])
    k = 4 if v > 0 else 5
    b = lo[k] + s * (hi[k] - lo[k])
    k0 = np.sqrt((u / a) ** 2 + (v / b) ** 2)
    k1 = np.sqrt((u / a**2) ** 2 + (v / b**2) ** 2)
    across = (k0 / k1 if k1 > 1e-9 else min(a, b)) * (k0 - 1.0)
    beyond = max(-t, t - (count - 1.0)) * f[13]
    if beyond > 0.0 and across > 0.0:
        return np.sqrt(across * across + beyond * beyond)
    return max(across, beyond)
