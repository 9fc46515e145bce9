"""Which pixels of a radiograph saw the patient, and which only the collimator or its shutter."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.image import Image

Field = tuple[int, int, int, int]
MARGIN_MM = 6.0
"""Kept away from the edges that a header names: they blur, and 1.4 degrees of tilt move an end of
200 mm by 5 mm."""
BLUR_MM = 4.0
"""Kept away from the edges that are found in the picture, whose tilt is found too."""
BLANK = 0.02
"""A blank pixel lies this close to the darkest or the brightest value, as a share of the range."""
LINE_SHARE = 0.93
"""Of a line's pixels that must be blank; a marker may lie on it."""
DEEPEST = 0.3
"""Share of the picture's size that a border can take from either side."""
COARSE_PX = 256
"""About so many pixels of the shorter side are looked at."""
TILTS_DEG = (0.0, 0.25, -0.25, 0.5, -0.5, 0.75, -0.75, 1.0, -1.0, 1.25, -1.25, 1.5, -1.5)


def exposed(image: Image, field_px: Field | None) -> NDArray[np.bool_]:
    """The pixels `[y, x]` inside the collimated field, clear of its edges.

    `field_px` is the header's (left, top, right, bottom); without it the edges are looked for in
    the picture, where blank borders of one value, upright or a little tilted, count as shut.
    """
    return _named(image, field_px) if field_px is not None else _found(image)


def _named(image: Image, field_px: Field) -> NDArray[np.bool_]:
    left, top, right, bottom = field_px
    gap = int(np.ceil(MARGIN_MM / image.spacing_mm[0]))
    inside = np.zeros(image.array.shape, bool)
    inside[max(top + gap, 0) : max(bottom - gap, 0), max(left + gap, 0) : max(right - gap, 0)] = 1
    return inside


def _found(image: Image) -> NDArray[np.bool_]:
    low, high = float(image.array.min()), float(image.array.max())
    close = BLANK * (high - low)
    height, width = image.array.shape
    step = max(1, min(height, width) // COARSE_PX)
    few = image.array[::step, ::step]
    blank = (few <= low + close) | (few >= high - close)
    gap_px = BLUR_MM / image.spacing_mm[0] / step + (step > 1)
    inside = [_between(blank, tilt, gap_px) for tilt in TILTS_DEG]
    least = min(inside, key=np.count_nonzero)
    return least.repeat(step, axis=0).repeat(step, axis=1)[:height, :width]


def _between(blank: NDArray[np.bool_], tilt_deg: float, gap_px: float) -> NDArray[np.bool_]:
    """What is left between the blank lines at the four sides, turned by `tilt_deg`."""
    height, width = blank.shape
    rows, columns = np.indices(blank.shape)
    y, x = rows - 0.5 * (height - 1), columns - 0.5 * (width - 1)
    cosine, sine = np.cos(np.deg2rad(tilt_deg)), np.sin(np.deg2rad(tilt_deg))
    inside = np.ones(blank.shape, bool)
    for along in (cosine * x + sine * y, cosine * y - sine * x):
        line = np.rint(along - along.min()).astype(int)
        count = np.bincount(line.ravel())
        shut = np.bincount(line.ravel(), weights=blank.ravel()) >= LINE_SHARE * count
        # Turned lines near a corner are too short to tell a border.
        long = np.flatnonzero(count >= 0.5 * count.max())
        low, high = _width(shut[long[0] :]), _width(shut[: long[-1] + 1][::-1])
        if low:
            inside &= line >= long[0] + low + gap_px
        if high:
            inside &= line <= long[-1] - high - gap_px
    return inside


def _width(shut: NDArray[np.bool_]) -> int:
    """How many lines from the first one on are shut; none if they reach too deep for a border."""
    width = len(shut) if shut.all() else int(np.argmin(shut))
    return width if width <= DEEPEST * len(shut) else 0
