"""The abdominal and pelvic cavity as an implicit function, and the muscular wall around it."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from bmdpipe.virtual.hip.body_frame import BonyFrame
from bmdpipe.virtual.hip.body_traits import BodyTraits
from bmdpipe.virtual.shape.primitives import smooth_max

CENTRE_Y_MM = 10.0
FLOOR_MM = -38.0


@dataclass(frozen=True)
class Cavity:
    """Half widths and the depth in front at the pelvic floor and above the crests, the depth
    behind, how much the waist narrows, the wall's thickness beside and in front, mm."""

    low_half_mm: float
    high_half_mm: float
    waist_mm: float
    low_front_mm: float
    high_front_mm: float
    back_mm: float
    oblique_mm: float
    rectus_mm: float

    def row(self) -> NDArray[np.float64]:
        """As the compiled functions take it."""
        return np.array(
            [
                self.low_half_mm, self.high_half_mm, self.waist_mm, self.low_front_mm,
                self.high_front_mm, self.back_mm, self.oblique_mm, self.rectus_mm,
            ]
        )  # fmt: skip


def build_cavity(frame: BonyFrame, body: BodyTraits) -> Cavity:
    """Fits between the iliac crests and behind the pubis."""
    girth = body.girth["R"]["trunk"]
    return Cavity(
        low_half_mm=0.42 * frame.crest_mm,
        high_half_mm=0.83 * frame.crest_mm + 0.25 * body.bulge_mm,
        waist_mm=max(12.0 - 0.3 * body.bulge_mm, 0.0),
        low_front_mm=CENTRE_Y_MM - (frame.front_mm + 14.0),
        high_front_mm=CENTRE_Y_MM - (frame.front_mm - 4.0 - body.bulge_mm),
        back_mm=60.0,
        oblique_mm=19.0 * girth,
        rectus_mm=10.0 * girth,
    )


@numba.njit(error_model="numpy", cache=True, inline="always")
def _step(t):  # pragma: no cover - compiled
    t = min(max(t, 0.0), 1.0)
    return t * t * (3.0 - 2.0 * t)


@numba.njit(error_model="numpy", cache=True)
def cavity_distance(c, x, y, z):  # pragma: no cover - compiled
    """Signed distance of the cavity's border, close to it, mm; negative inside."""
    half = c[0] + (c[1] - c[0]) * _step((z + 25.0) / 115.0) - c[2] * _step((z - 95.0) / 110.0)
    v = y - 10.0
    if v < 0.0:
        depth = c[3] + (c[4] - c[3]) * _step((z + 25.0) / 130.0)
    else:
        depth = c[5]
    k0 = np.sqrt((x / half) ** 2 + (v / depth) ** 2)
    k1 = np.sqrt((x / half**2) ** 2 + (v / depth**2) ** 2) + 1e-9
    return smooth_max(k0 * (k0 - 1.0) / k1, -38.0 - z, 20.0)


@numba.njit(error_model="numpy", cache=True)
def wall_thickness(c, x):  # pragma: no cover - compiled
    """Recti on either side of the white line, a thin sheath beside them, then the obliques."""
    a = abs(x)
    recti = c[7] * _step((a - 2.0) / 10.0) * (1.0 - 0.65 * _step((a - 52.0) / 14.0))
    return 2.5 + recti + (c[6] - 0.35 * c[7] - 2.5) * _step((a - 72.0) / 30.0)


@numba.njit(error_model="numpy", cache=True)
def wall_distance(c, x, y, z):  # pragma: no cover - compiled
    """The muscular wall: in front between the inguinal ligaments and all around above the
    crests."""
    out = cavity_distance(c, x, y, z)
    shell = max(-out, out - wall_thickness(c, x))
    if shell > 20.0:
        return shell
    front = min(y + 36.0, 112.0 - z)
    ligament = 0.83 * (abs(x) - 20.0) - 10.0 - z
    return smooth_max(smooth_max(shell, y - 50.0, 16.0), smooth_max(front, ligament, 6.0), 6.0)
