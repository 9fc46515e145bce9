"""Which heights of a CT the network looks at, and how its shares come back to every slice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.config.segmentation import SegmentationNetwork
from bmdpipe.core.volume import Volume
from bmdpipe.segmentation.grid import axis_weights

SMALL = 0.01
"""What a Gaussian weighs less than this share of its centre is left out."""


@dataclass(frozen=True)
class Heights:
    """The working slices of a CT, as fractional indices of its own slices `[n]`, rising.

    `mean_over` `[n, z]` makes working slices of the CT's, `back` `[z, n]` values on the CT's slices
    of those on the working slices; the rows of both sum to one.
    """

    index: NDArray[np.float64]
    mean_over: NDArray[np.float32]
    back: NDArray[np.float32]

    @classmethod
    def of(
        cls, ct: Volume, network: SegmentationNetwork, slice_mm: float, smooth_mm: float = 0.0
    ) -> Heights:
        """A 2D network sees single slices at least `slice_mm` apart, the last one among them; a 3D
        network sees slices `slab_mm` apart, each the mean over its thickness. The way back is
        linear, after a Gaussian of `smooth_mm` along the body."""
        count, spacing = len(ct.array), ct.spacing_mm[2]
        if network.slab == 1:
            step = max(1, int(slice_mm / spacing + 1e-3))
            index = np.unique(np.append(np.arange(0, count, step), count - 1)).astype(np.float64)
            weights = np.zeros((len(index), count), dtype=np.float32)
            weights[np.arange(len(index)), index.astype(int)] = 1
        else:
            found = max(1, int((count - 1) * spacing / network.slab_mm) + 1)
            weights = axis_weights((found, network.slab_mm, 0.0), (count, spacing, 0.0))
            weights /= weights.sum(axis=1, keepdims=True)
            index = np.arange(found, dtype=np.float64) * (network.slab_mm / spacing)
        return cls(index, weights, _way_back(index, count, smooth_mm / spacing))

    def __len__(self) -> int:
        return len(self.index)


def _way_back(index: NDArray[np.float64], count: int, sigma: float) -> NDArray[np.float32]:
    """Linear interpolation from working slices at `index` to `count` slices, after a Gaussian of
    `sigma` slices over the working slices."""
    z = np.arange(count)
    lines = [np.interp(z, index, row) for row in np.eye(len(index))]
    linear = np.stack(lines, axis=1)
    if sigma > 0:
        smooth = np.exp(-0.5 * ((index[:, None] - index[None]) / sigma) ** 2)
        smooth[smooth < SMALL] = 0
        linear = linear @ (smooth / smooth.sum(axis=1, keepdims=True))
    return linear.astype(np.float32)


def windows(count: int, network: SegmentationNetwork) -> Iterator[NDArray[np.intp]]:
    """Indices of the working slices that go through the network together: one by one in 2D; in 3D
    slabs that overlap by half, the last one flush with the end, a short CT's last slice repeated.
    """
    if network.slab == 1:
        yield from np.arange(count)[:, None]
        return
    stride = network.slab // 2
    last = max(count - network.slab, 0)
    starts = sorted({*range(0, last, stride), last})
    for start in starts:
        yield np.minimum(np.arange(start, start + network.slab), count - 1)


def window_weight(network: SegmentationNetwork) -> NDArray[np.float32]:
    """How much each slice of a slab counts where slabs overlap `[slab]`: least at its ends, where
    the network sees one side alone."""
    centre = (network.slab - 1) / 2
    off = np.abs(np.arange(network.slab) - centre) / (centre + 1)
    return (1 - off).astype(np.float32)
