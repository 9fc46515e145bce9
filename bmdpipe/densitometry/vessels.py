"""Blood in the large vessels of an unenhanced CT: round, even, of one width over a stretch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bmdpipe.core.volume import Volume
from bmdpipe.densitometry.discs import disc_response

BLOOD_HU = (25.0, 70.0)
"""Unenhanced; contrast medium raises it, and enhanced blood calibrates nothing."""
RADII_MM = (4.5, 5.5, 6.5, 8.0, 9.5)
SLAB_MM = 6.0
ROUND = 0.72
"""Share of a vessel's circle that is an edge against fat (own choice)."""
DRIFT_MM = 4.0
"""Most that a vessel's centre moves from one slab to the next."""
MIN_LENGTH_MM = 48.0
WORKING_PIXEL_MM = 1.2
FREE = 0.5
"""Share of the ring about a vessel that is fat; a muscle's edge has less (own choice)."""
BENEATH_SKIN_MM = 40.0
"""Deeper than the abdominal wall, whose muscles have round edges (own choice)."""
FAT_BELOW_HU = -25.0
EVEN_HU = 12.0
"""Largest spread of a vessel's means along its course (own choice)."""


@dataclass(frozen=True)
class Disc:
    x_mm: float
    y_mm: float
    radius_mm: float
    hu: float
    slice: int


def blood_hu(ct: Volume, body: NDArray[np.bool_]) -> float | None:
    """Median HU of the vessels found, None if none is: arteries and veins look alike."""
    discs = [disc.hu for vessel in find_vessels(ct, body) for disc in vessel]
    return float(np.median(discs)) if discs else None


def find_vessels(ct: Volume, body: NDArray[np.bool_]) -> list[list[Disc]]:
    """Every vessel as its discs from slab to slab."""
    slices = max(round(SLAB_MM / ct.spacing_mm[2]), 1)
    least = int(np.ceil(MIN_LENGTH_MM / (slices * ct.spacing_mm[2])))
    open_chains: list[list[Disc]] = []
    vessels: list[list[Disc]] = []
    for start in range(0, len(ct.array) - slices + 1, slices):
        part = ct.array[start : start + slices]
        image = part.mean(axis=0, dtype=np.float32)
        discs = _discs(image, body[start + slices // 2], ct.spacing_mm[:2], start + slices // 2)
        followed: list[list[Disc]] = []
        for chain in open_chains:
            last = chain[-1]
            near = [d for d in discs if _apart(d, last) <= DRIFT_MM]
            if near:
                nearest = min(near, key=lambda d: _apart(d, last))
                discs.remove(nearest)
                followed.append([*chain, nearest])
            elif len(chain) >= least:
                vessels.append(chain)
        open_chains = followed + [[d] for d in discs]
    vessels += [chain for chain in open_chains if len(chain) >= least]
    return [c for c in vessels if np.std([d.hu for d in c]) <= EVEN_HU]


def _apart(a: Disc, b: Disc) -> float:
    return float(np.hypot(a.x_mm - b.x_mm, a.y_mm - b.y_mm))


def _discs(
    image: NDArray[np.float32], body: NDArray[np.bool_], spacing_mm: tuple[float, ...], k: int
) -> list[Disc]:
    """Bright round spots of a vessel's HU, the roundest first where they overlap."""
    factor = max(int(WORKING_PIXEL_MM / spacing_mm[0]), 1)
    height, width = (n // factor * factor for n in image.shape)
    blocks = image[:height, :width].reshape(height // factor, factor, width // factor, factor)
    coarse = blocks.mean(axis=(1, 3))
    sx, sy = spacing_mm[0] * factor, spacing_mm[1] * factor
    # Against fat alone: what is denser than blood (bone, contrast) has an edge of its own.
    soft = np.clip(coarse, -120.0, 80.0)
    response = disc_response(soft, (sx, sy), RADII_MM)
    deep = ndimage.distance_transform_edt(body[:height:factor, :width:factor], sampling=(sy, sx))
    inside = deep > BENEATH_SKIN_MM
    best = np.where(inside, response.max(axis=0), 0.0)
    found: list[Disc] = []
    while best.max() >= ROUND and len(found) < 60:
        y, x = (int(i) for i in np.unravel_index(int(np.argmax(best)), best.shape))
        radius = RADII_MM[int(np.argmax(response[:, y, x]))]
        rows = slice(max(y - int(radius / sy), 0), y + int(radius / sy) + 1)
        columns = slice(max(x - int(radius / sx), 0), x + int(radius / sx) + 1)
        dy = (np.arange(rows.start, min(rows.stop, len(best))) - y)[:, None] * sy
        dx = (np.arange(columns.start, min(columns.stop, best.shape[1])) - x) * sx
        core = coarse[rows, columns][dy**2 + dx**2 <= (0.6 * radius) ** 2]
        if BLOOD_HU[0] <= core.mean() <= BLOOD_HU[1] and _in_fat(coarse, (sx, sy), x, y, radius):
            found.append(Disc(x * sx, y * sy, radius, float(core.mean()), k))
        best[rows, columns] = 0.0
    return found


def _in_fat(
    image: NDArray[np.float32], spacing_mm: tuple[float, float], x: int, y: int, radius_mm: float
) -> bool:
    """Whether fat lies around a disc."""
    across = (np.arange(image.shape[1]) - x) * spacing_mm[0]
    down = (np.arange(image.shape[0])[:, None] - y) * spacing_mm[1]
    distance2 = across**2 + down**2
    ring = (distance2 >= (radius_mm + 2.0) ** 2) & (distance2 <= (radius_mm + 4.0) ** 2)
    return bool((image[ring] < FAT_BELOW_HU).mean() >= FREE)
