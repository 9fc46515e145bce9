"""A map summed up by the regions of an atlas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class RegionShare:
    """A region's share of the map's total, its share of the volume, and their ratio: above 1 the
    map dwells on it."""

    region: str
    share: float
    volume: float
    density: float


def by_region(
    score: NDArray, atlas: NDArray[np.integer], names: Mapping[int, str]
) -> list[RegionShare]:
    """Shares of a map `[...]` that is not negative over the regions of an atlas of the same grid,
    the densest first. Places without a region (label 0) do not count."""
    labels = [label for label in names if label and (atlas == label).any()]
    amount = np.array([score[atlas == label].sum() for label in labels], dtype=float)
    size = np.array([(atlas == label).sum() for label in labels], dtype=float)
    share = amount / amount.sum() if amount.sum() > 0 else size / size.sum()
    volume = size / size.sum()
    rows = [
        RegionShare(names[label], float(s), float(v), float(s / v))
        for label, s, v in zip(labels, share, volume, strict=True)
    ]
    return sorted(rows, key=lambda row: -row.density)
