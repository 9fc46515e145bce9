"""The exact transpose of Joseph's projection, compiled by numba: a slice is one thread's."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from bmdpipe.projection.rays import Rays
from bmdpipe.projection.rows import AXES


def back_project_view(
    view: NDArray[np.float64], image: NDArray[np.float32], volume: NDArray[np.float32]
) -> None:
    """Add to `volume` `[z, y, x]` what one image `[h, w]` sends back."""
    rays = Rays.of(view, *image.shape)
    size = volume.shape[::-1]
    length = np.linalg.norm(rays.ends_mm, axis=-1)
    for a, b, c in AXES:
        chosen = (rays.axis == a) & (image != 0)
        if not chosen.any():
            continue
        d = rays.direction[chosen]
        ends = np.sort(np.stack([np.zeros(len(d)), d[:, a]]) + rays.source[a], axis=0)
        first = np.clip(np.ceil(ends[0] - 1e-9), 0, size[a])
        last = np.clip(np.floor(ends[1] + 1e-9), -1, size[a] - 1)
        _scatter(
            np.transpose(volume, (2 - a, 2 - c, 2 - b)),
            rays.source[[a, b, c]],
            d[:, b] / d[:, a],
            d[:, c] / d[:, a],
            (image[chosen] * length[chosen] / np.abs(d[:, a])).astype(np.float32),
            np.stack([first, last], axis=1).astype(np.int64),
        )


@numba.njit(parallel=True, cache=True)
def _scatter(volume, source, slope_b, slope_c, value, ends):  # pragma: no cover - compiled
    """`volume` is `[a, c, b]`."""
    slices, rows, columns = volume.shape
    for k in numba.prange(slices):
        for ray in range(value.size):
            if k < ends[ray, 0] or k > ends[ray, 1]:
                continue
            b = source[1] + (k - source[0]) * slope_b[ray]
            c = source[2] + (k - source[0]) * slope_c[ray]
            if not (b > -1 and b < columns and c > -1 and c < rows):
                continue
            ib, ic = int(np.floor(b)), int(np.floor(c))
            fb, fc = np.float32(b - ib), np.float32(c - ic)
            for j in range(2):
                for i in range(2):
                    if 0 <= ic + j < rows and 0 <= ib + i < columns:
                        share = (fc if j else 1 - fc) * (fb if i else 1 - fb)
                        volume[k, ic + j, ib + i] += value[ray] * share
