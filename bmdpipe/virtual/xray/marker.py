"""The side marker: a lead letter R or L with a small ball, laid on the detector's cover."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bmdpipe.virtual.xray.collimation import Rectangle

THROUGH_LEAD = 0.02
STROKE = 0.16
"""Width of a letter's stroke over its height."""
LETTERS = {
    "L": (((0.0, 0.0), (0.0, 1.0)), ((0.0, 1.0), (0.55, 1.0))),
    "R": (
        ((0.0, 0.0), (0.0, 1.0)),
        ((0.0, 0.0), (0.35, 0.0)),
        ((0.35, 0.0), (0.52, 0.1)),
        ((0.52, 0.1), (0.56, 0.25)),
        ((0.56, 0.25), (0.52, 0.4)),
        ((0.52, 0.4), (0.35, 0.5)),
        ((0.35, 0.5), (0.0, 0.5)),
        ((0.27, 0.5), (0.56, 1.0)),
    ),
}
"""Strokes from point to point, x to the right and y down, of a letter of height one."""
WIDTH = 0.56
BALL = (0.28, 1.38, 0.13)
"""Centre and radius of the ball, in letter heights."""
REACH = 1.55
"""Height of letter and ball."""


@dataclass(frozen=True)
class Marker:
    """`corner_px` is the upper left corner of the letter; `turn_deg` is clockwise."""

    side: str
    corner_px: tuple[float, float]
    height_mm: float
    turn_deg: float


def draw_marker(
    field: Rectangle,
    brightness: NDArray[np.float32],
    pixel_mm: float,
    rng: np.random.Generator,
) -> Marker:
    """On its own side of the image, above or below, mostly where the beam is least attenuated.

    `brightness` is the primary beam `[y, x]`; the patient's right is at the image's left.
    """
    side = "R" if rng.random() < 0.6 else "L"
    height_mm = float(rng.uniform(12.0, 17.0))
    across, down = WIDTH * height_mm / pixel_mm, REACH * height_mm / pixel_mm
    rows, columns = brightness.shape
    left, top = max(field[0], 0.0), max(field[1], 0.0)
    right, bottom = min(field[2], columns - 1.0), min(field[3], rows - 1.0)
    gap = rng.uniform(7.0, 16.0, 2) / pixel_mm
    x = left + gap[0] if side == "R" else right - gap[0] - across
    upper, lower = top + gap[1], bottom - gap[1] - down
    boxes = [brightness[int(y) : int(y + down), int(x) : int(x + across)] for y in (upper, lower)]
    clearer = upper if boxes[0].mean() >= boxes[1].mean() else lower
    elsewhere = rng.random() < 0.12
    y = (upper + lower - clearer) if elsewhere else clearer
    turn = float(np.clip(rng.normal(0.0, 4.0), -10.0, 10.0))
    return Marker(side, (float(x), float(y)), height_mm, turn)


def lay(marker: Marker, image: NDArray[np.float32], pixel_mm: float) -> None:
    """Attenuate an image `[y, x]` in place."""
    scale = marker.height_mm / pixel_mm
    x0, y0 = marker.corner_px
    reach = int(np.ceil(1.2 * REACH * scale))
    top, left = max(int(y0) - reach // 4, 0), max(int(x0) - reach // 4, 0)
    window = image[top : int(y0) + reach, left : int(x0) + reach]
    rows, columns = np.indices(window.shape)
    turn = np.deg2rad(marker.turn_deg)
    u, v = columns + left - x0, rows + top - y0
    x = (np.cos(turn) * u + np.sin(turn) * v) / scale
    y = (np.cos(turn) * v - np.sin(turn) * u) / scale
    outside = np.hypot(x - BALL[0], y - BALL[1]) - BALL[2]
    for (ax, ay), (bx, by) in LETTERS[marker.side]:
        dx, dy = bx - ax, by - ay
        along = np.clip(((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy), 0.0, 1.0)
        stroke = np.hypot(x - ax - along * dx, y - ay - along * dy) - 0.5 * STROKE
        outside = np.minimum(outside, stroke)
    covered = np.clip(0.5 - outside * scale, 0.0, 1.0)
    window *= (1.0 - (1.0 - THROUGH_LEAD) * covered).astype(np.float32)
