"""The phantom's rods in a CT: straight cylinders side by side under the patient."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bmdpipe.core.config.calibration import CalibrationConfig
from bmdpipe.core.volume import Volume
from bmdpipe.densitometry.discs import disc_response
from bmdpipe.densitometry.rod_row import RodRow, find_row

SEARCH_SLAB_MM = 24.0
TRACK_SLAB_MM = 9.0
TRACK_REACH_MM = 3.0
WORKING_PIXEL_MM = 1.2
SURE = 0.75
"""A row with this mean response ends the search; a poorer one is compared with other slabs'."""
BODY_HU = -300
LEAST_ROWS = 20
"""Of working pixels: in fewer there is no room for a row of rods and what is around it."""


@dataclass(frozen=True)
class Rods:
    """Rods in the order of x. At height z (mm from the first slice) rod `n` has its centre at
    `at(z)[n]`, x and y in mm from the first voxel; `seen` says which have an edge of their own."""

    first_mm: NDArray[np.float64]
    drift: NDArray[np.float64]
    radius_mm: float
    z_range_mm: tuple[float, float]
    seen: NDArray[np.bool_]

    def at(self, z_mm: float) -> NDArray[np.float64]:
        return self.first_mm + self.drift * z_mm


def find_rods(ct: Volume, count: int, config: CalibrationConfig) -> Rods:
    """The best row of `count` rods along z in a canonical CT; `seen` tells how good it is."""
    sx, sy, sz = ct.spacing_mm
    thick = max(round(SEARCH_SLAB_MM / sz), 1)
    starts = list(range(0, max(len(ct.array) - thick, 0) + 1, thick))
    middle = len(ct.array) / 2 - thick / 2
    best: tuple[int, RodRow] | None = None
    for start in sorted(starts, key=lambda s: abs(s - middle)):
        image = slab_mean(ct.array, start, start + thick)
        row = _row_below(image, (sx, sy), count, config)
        if best is None or row.score > best[1].score:
            best = (start, row)
        if row.seen.all() and row.score >= SURE:
            break
    if best is None:
        raise ValueError("the CT has no slices")
    z_mm = (best[0] + (min(best[0] + thick, len(ct.array)) - best[0] - 1) / 2) * sz
    return _tracked(ct, best[1], z_mm)


def slab_mean(array: NDArray, start: int, stop: int) -> NDArray[np.float32]:
    """The mean image of some slices."""
    part = array[max(start, 0) : stop]
    return np.asarray(part.sum(axis=0, dtype=np.float32) / len(part), dtype=np.float32)


def _row_below(
    image: NDArray, spacing_mm: tuple[float, float], count: int, config: CalibrationConfig
) -> RodRow:
    """The best row behind the middle of what is not air: the patient lies on the phantom.

    A prone patient in LPS has the table in front; that half is searched if the other has no row.
    """
    sx, sy = spacing_mm
    factor = max(int(WORKING_PIXEL_MM / sx), 1)
    coarse = _binned(image, factor)
    spacing = (sx * factor, sy * factor)
    shift = np.array([sx, sy]) * (factor - 1) / 2
    dense = (coarse > BODY_HU).sum(axis=1)
    middle = len(coarse) // 2
    if dense.any():
        middle = int((dense * np.arange(len(dense))).sum() / dense.sum())
    found = find_row(coarse[middle:], spacing, count, config)
    offset = shift + np.array([0.0, middle * spacing[1]])
    if not found.seen.all() and middle > LEAST_ROWS:
        in_front = find_row(coarse[:middle], spacing, count, config)
        if in_front.seen.all():
            found, offset = in_front, shift
    return replace(found, centres_mm=found.centres_mm + offset)


def _binned(image: NDArray, factor: int) -> NDArray:
    if factor == 1:
        return image
    height, width = (n // factor * factor for n in image.shape)
    blocks = image[:height, :width].reshape(height // factor, factor, width // factor, factor)
    return np.asarray(blocks.mean(axis=(1, 3)))


def _tracked(ct: Volume, row: RodRow, z_mm: float) -> Rods:
    """The row followed up and down the stack while it is there, and a line through its places."""
    sz = ct.spacing_mm[2]
    thick = max(round(TRACK_SLAB_MM / sz), 1)
    begin = int(np.clip(round(z_mm / sz - (thick - 1) / 2), 0, max(len(ct.array) - thick, 0)))
    found: list[tuple[int, NDArray, float]] = []
    for direction in (1, -1):
        place = np.zeros(2)
        start = begin if direction == 1 else begin - thick
        while start >= 0 and start + thick <= len(ct.array):
            place, score = _moved(ct, row, start, thick, place)
            if score < 0.6 * row.score:
                break
            found.append((start, place, score))
            start += direction * thick
    if not found:
        found = [(begin, np.zeros(2), row.score)]
    heights = np.array([(start + (thick - 1) / 2) * sz for start, _, _ in found])
    places = np.array([place for _, place, _ in found])
    drift = np.zeros(2)
    if len(found) > 2:
        drift = np.polyfit(heights, places, 1)[0]
    at_zero = places.mean(axis=0) - drift * heights.mean()
    starts = [start for start, _, _ in found]
    return Rods(
        first_mm=row.centres_mm + at_zero,
        drift=drift,
        radius_mm=row.radius_mm,
        z_range_mm=(min(starts) * sz, (max(starts) + thick - 1) * sz),
        seen=row.seen,
    )


def _moved(
    ct: Volume, row: RodRow, start: int, thick: int, place: NDArray
) -> tuple[NDArray[np.float64], float]:
    """The shift (mm) of the row in another slab near `place`, and the mean response there."""
    sx, sy, _ = ct.spacing_mm
    centres = row.centres_mm + place
    margin = row.radius_mm + TRACK_REACH_MM + 6.0
    low = np.maximum(((centres.min(axis=0) - margin) / (sx, sy)).astype(int), 0)
    high = ((centres.max(axis=0) + margin) / (sx, sy)).astype(int) + 1
    part = ct.array[start : start + thick, low[1] : high[1], low[0] : high[0]]
    image = slab_mean(part, 0, len(part))
    response = disc_response(image, (sx, sy), [row.radius_mm])[0]
    reach = np.arange(-TRACK_REACH_MM, TRACK_REACH_MM + 1e-6, 0.5)
    dy, dx = np.meshgrid(reach, reach, indexing="ij")
    signed = np.zeros_like(dx)
    for (x, y), sign in zip(centres, np.sign(row.responses), strict=True):
        at = [(y + dy) / sy - low[1], (x + dx) / sx - low[0]]
        signed += sign * ndimage.map_coordinates(response, at, order=1)
    k = np.unravel_index(int(np.argmax(signed)), signed.shape)
    return place + np.array([dx[k], dy[k]]), float(signed[k]) / len(centres)
