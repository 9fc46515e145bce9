"""Where the tissue of a moved or standing subject lies at rest: legs that follow their femora,
buttocks and belly without a table. Compiled.
"""

from __future__ import annotations

import numba
import numpy as np

CREASE_MM = 60.0
"""Above this height over the joints, right and left are told apart by their side of x = 0."""


@numba.njit(error_model="numpy", cache=True, inline="always")
def _step(t):  # pragma: no cover - compiled
    t = min(max(t, 0.0), 1.0)
    return t * t * (3.0 - 2.0 * t)


@numba.njit(error_model="numpy", cache=True)
def leg_share(leg, x, z):  # pragma: no cover - compiled
    """How far a place moves with the thigh: 0 above the groin's crease, 1 well below it."""
    lateral = min(max(leg[6] * (x - leg[0]), -95.0), 80.0)
    return _step((35.0 + 0.55 * lateral - (z - leg[2])) / 110.0)


@numba.njit(error_model="numpy", cache=True)
def rest_place(leg, x, y, z):  # pragma: no cover - compiled
    """Where the tissue at a place lies in the subject at rest."""
    if leg[3] == 0.0 and leg[4] == 0.0 and leg[5] == 0.0:
        return x, y, z
    share = leg_share(leg, x, z)
    if share == 0.0:
        return x, y, z
    px, py, pz = x - leg[0], y - leg[1], z - leg[2]
    if share == 1.0:
        return (
            leg[0] + leg[7] * px + leg[8] * py + leg[9] * pz,
            leg[1] + leg[10] * px + leg[11] * py + leg[12] * pz,
            leg[2] + leg[13] * px + leg[14] * py + leg[15] * pz,
        )
    vx, vy, vz = -share * leg[3], -share * leg[4], -share * leg[5]
    angle = np.sqrt(vx * vx + vy * vy + vz * vz)
    vx, vy, vz = vx / angle, vy / angle, vz / angle
    c, s = np.cos(angle), np.sin(angle)
    along = (vx * px + vy * py + vz * pz) * (1.0 - c)
    return (
        leg[0] + c * px + s * (vy * pz - vz * py) + along * vx,
        leg[1] + c * py + s * (vz * px - vx * pz) + along * vy,
        leg[2] + c * pz + s * (vx * py - vy * px) + along * vz,
    )


@numba.njit(error_model="numpy", cache=True)
def unloaded(stand, x, y, z):  # pragma: no cover - compiled
    """Undo what standing does: the buttocks round off backwards, the belly sinks forwards."""
    if stand[0] == 0.0 and stand[1] == 0.0:
        return y
    a = (abs(x) - 72.0) / 48.0
    b = (z + 25.0) / 75.0
    back = np.exp(-a * a - b * b) * _step((y - 10.0) / 75.0)
    b = (z - stand[2]) / 60.0
    front = np.exp(-b * b - (x / 130.0) ** 2) * _step((-20.0 - y) / 70.0)
    return y - stand[0] * back + stand[1] * front


@numba.njit(error_model="numpy", cache=True)
def nearest_side(moved, x, z):  # pragma: no cover - compiled
    """0 right, 1 left, 2 if the skins must be asked."""
    limit = 130.0 if moved else 25.0
    if abs(x) > limit or z > CREASE_MM:
        return 0 if x < 0.0 else 1
    return 2
