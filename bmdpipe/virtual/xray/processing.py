"""What the room's computer makes of a reading: equalisation, enhancement, window, look-up table.

Four families of looks, as vendors have them. Each starts from the logarithm of the exposure, so
that bone is bright, and keeps the order of neighbouring grey values.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.config.virtual.xray import Family
from bmdpipe.virtual.xray.filters import enlarged, reduced, smoothed

EQUALISED_MM = 22.0
"""Standard deviation of the smooth part that equalisation takes away, at the detector."""
EDGE_MM = 0.7
"""Of the unsharp mask."""
COARSEST_MM = 24.0
"""Cell of the pyramid's residual."""
FINEST_MM = 0.5
"""Below this the pyramid enhances nothing, for it would be noise."""
COMPRESSED_FROM = 0.15
"""Detail, in units of the logarithm, above which the pyramid's gain falls."""
OVEREXPOSED = 40.0
"""Exposure over that in the chambers at which the read-out is full."""
PERCENT = (12.0, 99.8)
"""Of the middle of the field; they set the window."""


@dataclass(frozen=True)
class Look:
    """One family with its settings.

    `equalise` is the share of the smooth part that is taken away, `enhance` the gain of detail,
    `gain` the contrast, `level` the brightness of the hip region, `curve` the bend of the table
    (how much of an S, or how far the exponent is from one).
    """

    family: Family
    equalise: float
    enhance: float
    gain: float
    level: float
    curve: float


@dataclass(frozen=True)
class Window:
    """Logarithms that become 0 and 1 before the table."""

    low: float
    high: float


def logarithm(reading: NDArray[np.float32]) -> NDArray[np.float32]:
    """Minus the logarithm of the exposure over that in the chambers: higher is denser."""
    return -np.log(np.clip(reading, np.float32(2e-4), np.float32(OVEREXPOSED)))


def enhanced(
    log: NDArray[np.float32], inner: tuple[slice, slice], pixel_mm: float, look: Look
) -> NDArray[np.float32]:
    """Equalised and with its detail raised; what lies beyond the field's `inner` part is kept away
    from the filters."""
    seen = np.pad(log[inner], _beyond(inner, log.shape), mode="edge")
    if look.family == "multiscale":
        return log + (_pyramid(seen, pixel_mm, look) - seen)
    floor = float(np.percentile(seen[::8, ::8], 30.0)) - 1.2
    smooth = smoothed(np.maximum(seen, np.float32(floor)), EQUALISED_MM / pixel_mm)
    result = log - np.float32(look.equalise) * smooth
    if EDGE_MM / pixel_mm > 0.5:
        result += np.float32(look.enhance) * (seen - smoothed(seen, EDGE_MM / pixel_mm))
    return result


def _pyramid(
    image: NDArray[np.float32], pixel_mm: float, look: Look, cell_mm: float | None = None
) -> NDArray[np.float32]:
    """Of a Laplacian pyramid, small detail is raised, large detail less, the residual lowered."""
    cell = cell_mm or pixel_mm
    if cell >= COARSEST_MM or min(image.shape) < 8:
        middle = np.float32(np.median(image))
        return middle + np.float32(1.0 - look.equalise) * (image - middle)
    small = reduced(image, 2)
    detail = image - enlarged(small, image.shape, 2)
    if cell >= FINEST_MM:
        gain = np.float32(1.0 + look.enhance)
        size = np.abs(detail)
        size *= np.float32(1.0 / COMPRESSED_FROM)
        size += np.float32(1.0)
        detail *= gain / np.sqrt(np.sqrt(size))
    detail += enlarged(_pyramid(small, pixel_mm, look, 2.0 * cell), image.shape, 2)
    return detail


def window_of(log: NDArray[np.float32], inner: tuple[slice, slice], look: Look) -> Window:
    """From percentiles in the middle of the field."""
    field = log[inner]
    height, width = field.shape
    middle = field[height // 5 : -height // 5 : 4, width // 10 : -width // 10 : 4]
    dark, bright = np.percentile(middle, PERCENT)
    span = float(bright - dark) * 1.25 / look.gain
    low = float(np.median(middle)) - look.level * span
    return Window(low, low + span)


def tabled(value: NDArray[np.float32], look: Look) -> NDArray[np.float32]:
    """The look-up table: from the window's 0 to 1 to the shown 0 to 1; it rises everywhere."""
    if look.family == "sigmoid":
        steep = np.float32(2.0 + 4.0 * look.curve)
        ends = np.tanh(0.5 * steep)
        return (0.5 + 0.5 * np.tanh(steep * (value - np.float32(0.5))) / ends).clip(0.0, 1.0)
    value = value.clip(0.0, 1.0)
    if look.family == "gamma":
        return value ** np.float32(1.0 + 0.6 * (look.curve - 0.5))
    bent = value * value * (np.float32(3.0) - np.float32(2.0) * value)
    share = np.float32(look.curve if look.family == "multiscale" else 0.0)
    return value + share * (bent - value)


def _beyond(
    inner: tuple[slice, slice], shape: tuple[int, ...]
) -> tuple[tuple[int, int], tuple[int, int]]:
    rows, columns = inner
    return (rows.start, shape[0] - rows.stop), (columns.start, shape[1] - columns.stop)
