"""What the cavity holds: bladder, rectum, colon, loops of small bowel, womb or prostate.

Hollow organs are chains of cones, drawn anew for each image: bowel moves and fills between two
exposures of a subject.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bmdpipe.virtual.hip.body_frame import BonyFrame
from bmdpipe.virtual.hip.cavity import CENTRE_Y_MM, Cavity
from bmdpipe.virtual.shape.primitives import Table, cone

GAS, STOOL, FLUID, EMPTY = "gas", "stool", "fluid", "empty"
WATER = (0.68, 0.32)
"""Lean and fat that attenuate as water does: 48 and -100 HU weigh up to 0.6."""
CONTENT = {
    GAS: (0.0, 0.0, 0.0),
    STOOL: (0.84, 0.16, 1.0),
    FLUID: (*WATER, 0.0),
    EMPTY: (1.0, 0.0, 0.0),
}
"""Lean, fat, and how mottled with gas."""

Course = tuple[tuple[float, float, float, float], ...]
Place = Callable[[float, float, float], NDArray[np.float64]]


class Add(Protocol):
    """Takes one piece of a hollow organ, with what it holds and how thick its wall is."""

    def __call__(
        self, parts: list[Table], content: str, wall: float, gas_above: bool = True
    ) -> None: ...


COLON: dict[str, Course] = {
    "rectum": ((0, 40, -46, 8), (0, 34, -26, 12), (3, 46, 0, 17), (-3, 56, 26, 18),
               (4, 54, 52, 16), (8, 40, 80, 14)),
    "sigmoid": ((8, 40, 80, 14), (32, 14, 84, 15), (22, -16, 72, 16), (-12, -30, 76, 16),
                (-16, -34, 104, 16), (22, -36, 112, 16), (58, -28, 96, 15), (88, -22, 100, 14)),
    "descending": ((88, -22, 100, 14), (100, -8, 132, 15), (104, 8, 180, 16), (104, 12, 270, 17)),
    "caecum": ((-70, -34, 60, 20), (-86, -28, 80, 24), (-96, -16, 112, 24), (-100, 0, 155, 22),
               (-102, 6, 270, 22)),
}  # fmt: skip


@dataclass(frozen=True)
class Contents:
    """Rows of primitives, `owner[row]` the number of its piece, and per piece (columns): lean and
    fat of the content, how mottled it is, the wall's thickness (mm), and the height above which
    the content gives way to gas (mm along `up`)."""

    table: Table
    owner: NDArray[np.int64]
    pieces: NDArray[np.float64]
    up: NDArray[np.float64]


def draw_contents(
    rng: np.random.Generator,
    frame: BonyFrame,
    cavity: Cavity,
    male: bool,
    gas: float,
    lying: bool,
) -> Contents:
    """A filling of the cavity; gas rises to the front of one who lies and to the top of one who
    stands."""
    up = np.array([0.0, -1.0, 0.0]) if lying else np.array([0.0, 0.0, 1.0])
    rows: list[Table] = []
    owner: list[int] = []
    pieces: list[list[float]] = []

    def add(parts: list[Table], content: str, wall: float, gas_above: bool = True) -> None:
        middle = np.mean([0.5 * (p[:3] + p[3:6]) for p in parts], axis=0)
        lean, fat, mottled = CONTENT[content]
        surface = 1e3
        if gas_above and content == FLUID and rng.random() < 0.4:
            surface = float(middle @ up) + rng.uniform(-3.0, 6.0)
        owner.extend([len(pieces)] * len(parts))
        rows.extend(parts)
        pieces.append([lean, fat, mottled, wall, surface])

    def place(x: float, y: float, z: float) -> NDArray[np.float64]:
        # The cavity's belly side moves forward with its wall.
        forward = (cavity.high_front_mm - (CENTRE_Y_MM + 61.0)) * np.clip(z / 90.0, 0, 1)
        forward *= np.clip((20.0 - y) / 60.0, 0.0, 1.0)
        return frame.pelvis("L", x, y, z) - np.array([0.0, forward, 0.0])

    _add_bladder(rng, place, male, add)
    sag = 0.0 if lying else -7.0
    for course in COLON.values():
        _add_colon(rng, place, course, gas, sag, add)
    _add_small_bowel(rng, place, sag, add)
    return Contents(np.array(rows), np.array(owner), np.array(pieces), up)


def _add_bladder(rng: np.random.Generator, place: Place, male: bool, add: Add) -> None:
    radius = rng.uniform(14.0, 29.0)
    low = -26.0 + radius
    wide = 0.45 * radius
    one, other = (place(sign * wide, -26.0 + 0.4 * radius, low) for sign in (-1, 1))
    add([cone(one, other, radius, radius, 6.0, 0, 0)], FLUID, 2.5, gas_above=False)
    if male:
        add([cone(place(0, -14, -26), place(0, -4, -16), 17, 15, 5, 0, 0)], EMPTY, 2.0)
    else:
        side = rng.uniform(-10, 10)
        high = low + radius
        body = place(side, -10, max(high + 4.0, 28.0))
        add([cone(place(0, 14, 2), body, 13, 20, 6, 0, 0)], EMPTY, 2.0)


def _add_colon(
    rng: np.random.Generator, place: Place, course: Course, gas: float, sag: float, add: Add
) -> None:
    """A chain with pouches; its content changes every few centimetres."""
    points = np.array([p[:3] for p in course], dtype=float)
    points[1:-1] += rng.normal(0.0, 5.0, (len(points) - 2, 3))
    points[:, 2] += sag * np.clip((points[:, 2] - 20.0) / 60.0, 0.0, 1.0)
    radii = np.array([p[3] for p in course]) * rng.uniform(0.75, 1.15)
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    at = 0.0
    parts: list[Table] = []
    content, left = GAS, 0.0
    kinds = np.array([GAS, STOOL, FLUID, EMPTY])
    odds = np.array([gas, 0.4 * (1 - gas), 0.12 * (1 - gas), 0.48 * (1 - gas)])
    while at < length[-1]:
        if left <= 0.0:
            if parts:
                add(parts, content, 2.2)
            parts, left = [], rng.uniform(28.0, 80.0)
            content = str(rng.choice(kinds, p=odds / odds.sum()))
        step = min(rng.uniform(9.0, 15.0), length[-1] - at + 0.1)
        ends = []
        for s in (at, at + 0.72 * step):
            centre = np.array([np.interp(s, length, points[:, c]) for c in range(3)])
            r = float(np.interp(s, length, radii))
            r *= {GAS: 1.1, STOOL: 1.0, FLUID: 0.95, EMPTY: 0.55}[content]
            ends.append((place(*(centre + rng.normal(0, 1.2, 3))), r * rng.uniform(0.85, 1.12)))
        (a, ra), (b, rb) = ends
        at += step
        left -= step
        # A filling ends in a contraction.
        parts.append(cone(a, b, ra, rb * (0.7 if left <= 0.0 else 1.0), 3.5, 0, 0))
    add(parts, content, 2.2)


def _add_small_bowel(rng: np.random.Generator, place: Place, sag: float, add: Add) -> None:
    """Loops that wander through the middle of the cavity."""
    for _ in range(int(rng.integers(5, 9))):
        at = np.array([rng.uniform(-55, 60), rng.uniform(-45, -5), rng.uniform(45, 190)])
        heading = rng.normal(0, 1, 3)
        content = str(rng.choice([GAS, FLUID, EMPTY], p=[0.12, 0.38, 0.5]))
        radius = rng.uniform(8.0, 12.5) * (0.8 if content == EMPTY else 1.0)
        parts = []
        for _ in range(int(rng.integers(5, 10))):
            heading = heading / np.linalg.norm(heading) + rng.normal(0, 0.45, 3)
            ahead = at + 14.0 * heading / np.linalg.norm(heading)
            ahead = np.clip(ahead, [-72, -52, 30], [72, 5, 230])
            shift = np.array([0.0, 0.0, sag])
            parts.append(
                cone(place(*(at + shift)), place(*(ahead + shift)), radius,
                     radius * rng.uniform(0.85, 1.1), 4.0, 0, 0)
            )  # fmt: skip
            at = ahead
        add(parts, content, 1.8)
