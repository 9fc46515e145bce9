"""The bones in a slab of slices: fine voxels weighed by the slice profile, and by the voxel."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.config.virtual.ct import CtConfig
from bmdpipe.virtual.ct.scale import Scale
from bmdpipe.virtual.ct.slice_profile import plane_weights
from bmdpipe.virtual.hip.fine_grid import FineBody


@dataclass(frozen=True)
class SlabFields:
    """A slab `[slice, y, x]`: HU and mineral (mg/cm3) as the slice profile sees them, and the truth
    of the voxels, labels and mineral."""

    hu: NDArray[np.float32]
    mineral: NDArray[np.float32]
    labels: NDArray[np.uint8]
    density: NDArray[np.float32]


def fields_of(soft_hu: NDArray[np.float32]) -> SlabFields:
    """A slab of soft tissue, ready for its bones."""
    shape = soft_hu.shape
    return SlabFields(
        soft_hu, np.zeros(shape, np.float32), np.zeros(shape, np.uint8), np.zeros(shape, np.float32)
    )


def add_bones(
    fields: SlabFields, bodies: Iterable[FineBody], start: int, config: CtConfig, scale: Scale
) -> None:
    """Let bones displace soft tissue in the slab whose first slice is `start`, in place."""
    zero = np.float32(scale.hu_of_density(0.0))
    for value, body in enumerate(bodies, start=1):
        seen, own, before = _both_weights(config, body.divide[2])
        _add(
            body.fraction, body.density.array, np.array(body.first), np.array(body.divide), start,
            seen, own, before, value, zero, np.float32(1.0 / scale.slope),
            fields.hu, fields.mineral, fields.labels, fields.density,
        )  # fmt: skip


def shares(
    body: FineBody, start: int, shape: tuple[int, int, int], config: CtConfig
) -> NDArray[np.float32]:
    """A body's share of the voxels of a slab, as the slice profile sees it."""
    seen, _, before = _both_weights(config, body.divide[2])
    result = np.zeros(shape, np.float32)
    _share(body.fraction, np.array(body.first), np.array(body.divide), start, seen, before, result)
    return result


def _both_weights(
    config: CtConfig, divide: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], int]:
    """Weights of the profile and of the voxel on the same planes, and how many lie before it."""
    weights, before = plane_weights(config.thickness_mm, config.slice_mm, divide, True)
    ahead = max(before, 0)
    after = max(len(weights) - before - divide, 0)
    seen = np.zeros(ahead + divide + after, np.float32)
    seen[ahead - before : ahead - before + len(weights)] = weights
    own = np.zeros_like(seen)
    own[ahead : ahead + divide] = 1.0 / divide
    return seen, own, ahead


@numba.njit(parallel=True, cache=True)
def _add(
    fraction, mineral, first, divide, start, seen, own, before, value, zero, hu_per_mg,
    hu, mineral_seen, labels, truth,
):  # fmt: skip  # pragma: no cover - compiled
    n, ny, nx = hu.shape
    dx, dy, dz = divide
    scale = np.float32(1.0 / (dx * dy))
    for k in numba.prange(n):
        base = (start + k - first[2]) * dz - before
        if base + len(seen) <= 0 or base >= fraction.shape[0]:
            continue
        for j in range(fraction.shape[1] // dy):
            y = j + first[1]
            if y < 0 or y >= ny:
                continue
            for i in range(fraction.shape[2] // dx):
                x = i + first[0]
                if x < 0 or x >= nx:
                    continue
                share_seen = share_own = dense_seen = dense_own = np.float32(0.0)
                for w in range(len(seen)):
                    p = base + w
                    if p < 0 or p >= fraction.shape[0]:
                        continue
                    share = dense = np.float32(0.0)
                    for b in range(j * dy, (j + 1) * dy):
                        for a in range(i * dx, (i + 1) * dx):
                            share += fraction[p, b, a]
                            dense += mineral[p, b, a]
                    share_seen += seen[w] * share
                    share_own += own[w] * share
                    dense_seen += seen[w] * dense
                    dense_own += own[w] * dense
                hu[k, y, x] += share_seen * scale * (zero - hu[k, y, x])
                hu[k, y, x] += dense_seen * scale * hu_per_mg
                mineral_seen[k, y, x] += dense_seen * scale
                truth[k, y, x] += dense_own * scale
                if share_own * scale >= np.float32(0.5):
                    labels[k, y, x] = value


@numba.njit(parallel=True, cache=True)
def _share(fraction, first, divide, start, seen, before, result):  # pragma: no cover - compiled
    n, ny, nx = result.shape
    dx, dy, dz = divide
    for k in numba.prange(n):
        base = (start + k - first[2]) * dz - before
        for w in range(len(seen)):
            p = base + w
            if p < 0 or p >= fraction.shape[0]:
                continue
            weight = seen[w] / np.float32(dx * dy)
            for b in range(fraction.shape[1]):
                y = b // dy + first[1]
                if y < 0 or y >= ny:
                    continue
                for a in range(fraction.shape[2]):
                    x = a // dx + first[0]
                    if 0 <= x < nx:
                        result[k, y, x] += weight * fraction[p, b, a]
