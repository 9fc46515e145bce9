"""What a voxel is made of where shape alone does not tell: marbled muscle, the piece of bowel.
Compiled.
"""

from __future__ import annotations

import numba

from bmdpipe.virtual.shape.noise import value_noise
from bmdpipe.virtual.shape.primitives import primitive_distance, smooth_min

FAR = 1e6


@numba.njit(error_model="numpy", cache=True)
def marbling(share, x, y, z, offset):  # pragma: no cover - compiled
    """The share of fat at a place in a muscle whose mean is about `share`: sheets along the
    fibres, and specks."""
    sheet = value_noise(x / 9.0 + offset, y / 9.0, z / 34.0)
    speck = value_noise(x / 4.0, y / 4.0 + offset, z / 15.0)
    return min(share * (2.6 * max(1.0 - 4.0 * abs(sheet), 0.0) + 1.3 * max(speck, 0.0)), 0.95)


@numba.njit(error_model="numpy", cache=True)
def nearest_piece(organs, owner, near, count, x, y, z):  # pragma: no cover - compiled
    """Distance of the nearest hollow organ and the number of its piece."""
    best, piece = FAR, 0
    current, d = -1, FAR
    for c in range(count):
        q = near[c]
        if owner[q] != current:
            if d < best:
                best, piece = d, current
            current, d = owner[q], FAR
        d = smooth_min(d, primitive_distance(organs, q, x, y, z), organs[q, 12])
    if d < best:
        best, piece = d, current
    return best, piece
