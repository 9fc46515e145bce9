"""Sacrum, coccyx and the lowest two lumbar vertebrae, in the pelvis' frame.

Points are (lateral, posterior, superior) mm from the middle between the hip joints.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bmdpipe.virtual.hip.mineral import Mineral
from bmdpipe.virtual.shape.primitives import Table, cone, disc, slab

Place = Callable[[NDArray], NDArray[np.float64]]
Corner = Callable[[float, float, float], NDArray[np.float64]]


def build_sacrum(place: Place, mineral: Mineral) -> tuple[Table, Table]:
    """Solids and the sacral foramina that are cut out of them; `place` puts them into the world."""
    t, c = mineral.trabecular, mineral.cortical

    def p(x: float, y: float, z: float) -> NDArray[np.float64]:
        return place(np.array([x, y, z], dtype=float))

    line = [
        (33, 93, 17),
        (56, 70, 14),
        (70, 48, 12),
        (76, 27, 10),
        (73, 9, 8),
        (64, -8, 5),
        (54, -20, 3.5),
    ]
    parts = []
    for (ya, za, ra), (yb, zb, rb) in pairwise(line):
        parts.append(cone(p(0, ya, za), p(0, yb, zb), ra, rb, 5.0, 0.9 * c, 130 * t))
    end = _unit(p(0, -0.64, 0.77))
    ahead = _unit(p(0, -0.77, -0.64) - end * (p(0, -0.77, -0.64) @ end))
    parts.append(disc(p(0, 30, 95), end, ahead, [24, 16, 11], 5.0, 1.2 * c, 160 * t))
    parts.append(cone(p(0, 78, 82), p(0, 96, 40), 4, 3, 4.0, 1.0 * c, 100 * t))
    for sign in (-1, 1):
        parts += [
            slab(
                [p(0, 42, 84), p(sign * 45, 47, 76), p(sign * 45, 60, 56)],
                [13, 9.5, 9],
                6.0,
                1.0 * c,
                100 * t,
            ),
            slab(
                [p(0, 60, 66), p(sign * 46, 60, 58), p(sign * 33, 74, 38)],
                [11, 8, 7],
                6.0,
                1.0 * c,
                100 * t,
            ),
            slab(
                [p(0, 72, 44), p(sign * 33, 74, 38), p(sign * 24, 77, 20)],
                [10, 6, 5],
                5.0,
                1.0 * c,
                90 * t,
            ),
            slab(
                [p(0, 76, 24), p(sign * 24, 77, 20), p(sign * 9, 72, 6)],
                [8, 5, 4],
                5.0,
                1.0 * c,
                90 * t,
            ),
            cone(p(sign * 12, 48, 112), p(sign * 15, 60, 96), 6, 7, 5.0, 1.3 * c, 120 * t),
        ]
    cuts = []
    for sign in (-1, 1):
        for x, y, z, r in (
            (21, 62, 76, 5.2),
            (19, 76, 55, 4.6),
            (17, 80, 36, 4.0),
            (14, 78, 19, 3.4),
        ):
            outside = p(sign * (x + 9), y - 26, z - 12)
            cuts.append(cone(outside, p(sign * (x - 1), y + 5, z + 3), r + 2.0, 0.5 * r, 2.5, 0, 0))
    parts += _lumbar(p, mineral)
    return np.array(parts), np.array(cuts)


def _lumbar(p: Corner, mineral: Mineral) -> list[Table]:
    """L5 above its disc: body, pedicles, arch, processes."""
    t, c = mineral.trabecular, mineral.cortical
    end = _unit(p(0, -0.40, 0.92))
    ahead = _unit(p(0, -0.92, -0.40) - end * (p(0, -0.92, -0.40) @ end))
    parts = [
        disc(p(0, 13, 123), end, ahead, [25, 17, 13.5], 4.0, 1.0 * c, 150 * t),
        cone(p(0, 52, 122), p(0, 76, 112), 5, 4, 4.0, 1.2 * c, 100 * t),
    ]
    above = _unit(p(0, -0.15, 0.99))
    front = _unit(p(0, -0.99, -0.15) - above * (p(0, -0.99, -0.15) @ above))
    parts.append(disc(p(0, 4, 161), above, front, [24, 17, 13.5], 4.0, 1.0 * c, 150 * t))
    parts.append(cone(p(0, 46, 160), p(0, 72, 150), 5, 4, 4.0, 1.2 * c, 100 * t))
    for sign in (-1, 1):
        for dz, dy in ((0, 0), (38, -8)):
            parts += [
                cone(
                    p(sign * 15, 24 + dy, 128 + dz),
                    p(sign * 19, 40 + dy, 126 + dz),
                    6,
                    6.5,
                    5.0,
                    1.3 * c,
                    120 * t,
                ),
                cone(
                    p(sign * 19, 38 + dy, 128 + dz),
                    p(sign * 46, 38 + dy, 132 + dz),
                    6,
                    4,
                    5.0,
                    1.1 * c,
                    100 * t,
                ),
                cone(
                    p(sign * 17, 44 + dy, 126 + dz),
                    p(0, 54 + dy, 122 + dz),
                    5,
                    5,
                    4.0,
                    1.2 * c,
                    100 * t,
                ),
                cone(
                    p(sign * 17, 44 + dy, 134 + dz),
                    p(sign * 17, 48 + dy, 108 + dz),
                    5.5,
                    5.5,
                    4.0,
                    1.3 * c,
                    110 * t,
                ),
            ]
    return parts


def _unit(v: NDArray) -> NDArray[np.float64]:
    return v / np.linalg.norm(v)
