"""Abdominal wall, organs, bowel and great vessels of a lumbar slice, as ellipses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bmdpipe.virtual.lumbar.bones import Aorta
from bmdpipe.virtual.lumbar.frame import FAT_HU, GAS_HU, Frame
from bmdpipe.virtual.lumbar.paint import ellipse


def wall(f: Frame, z: NDArray) -> list[NDArray]:
    """Skin, subcutaneous fat, the ring of muscle with the lowest ribs, fat inside."""
    centre = (0.0, f.middle)
    flat = f.back
    muscle = f.half_width - f.skin, f.depth - 0.75 * f.skin
    rows = [
        ellipse(centre, (f.half_width, f.depth), 20.0, back=flat, wobble=2.5, grain=60),
        ellipse(
            centre,
            (f.half_width - 1.6, f.depth - 1.6),
            FAT_HU,
            back=flat - 1.6,
            wobble=2.5,
            grain=60,
            texture=9.0,
            texture_grain=9,
        ),
        ellipse(
            centre, muscle, 48.0, back=flat - 0.5 * f.skin - 2, wobble=3.0, grain=45, texture=9.0
        ),
        ellipse(centre, f.inner, FAT_HU, back=f.b + 42.0, wobble=3.5, grain=40, texture=8.0),
    ]
    for angle in () if f.below > 1 else (8.0, 38.0):
        for side in (-1.0, 1.0):
            turn = np.radians(angle + 4.0 * z[7])
            x = side * (f.inner[0] + 6.5) * np.cos(turn)
            y = f.middle + (f.inner[1] + 5.5) * np.sin(turn)
            lean = np.degrees(
                np.arctan2(-side * np.cos(turn) * f.inner[1], np.sin(turn) * f.inner[0])
            )
            for radii, hu in (((7.5, 3.6), 560.0), ((6.2, 2.4), 190.0)):
                rows.append(ellipse((x, y), radii, hu, turn_deg=lean))
    return rows


def organs(f: Frame, rng: np.random.Generator) -> list[NDArray]:
    """Liver, spleen and kidneys; lower levels see less of them."""
    bright = 1.0 if f.enhanced else 0.0
    wide, deep = f.inner
    rows = []
    if f.below <= 1:
        hu = 56.0 + 48.0 * bright + rng.normal(0, 6)
        size = (0.52 - 0.10 * f.below) * rng.uniform(0.85, 1.1)
        at = (-wide * (0.98 - size), f.middle - 0.02 * deep)
        rows.append(
            ellipse(at, (wide * size, deep * 0.80), hu, turn_deg=-14, wobble=4, grain=50, texture=5)
        )
        vessel = hu + (35.0 if f.enhanced else -18.0)
        for _ in range(9):
            spot = (
                at[0] + wide * size * rng.uniform(-0.6, 0.6),
                at[1] + deep * rng.uniform(-0.5, 0.5),
            )
            radii = (rng.uniform(3, 9), rng.uniform(1.5, 3.0))
            rows.append(ellipse(spot, radii, vessel, turn_deg=rng.uniform(0, 180)))
    if f.below == 0:
        at = (wide * 0.74, f.middle + 0.26 * deep)
        rows.append(
            ellipse(
                at, (0.20 * wide, 0.40 * deep), 50.0 + 65 * bright, turn_deg=20, wobble=3, texture=4
            )
        )
    if f.below <= 2:
        for side in (-1.0, 1.0):
            at = (
                side * (0.5 * f.traits.width + 39.0 + rng.uniform(-3, 4)),
                0.30 * f.b + 9.0 + rng.uniform(-4, 4),
            )
            size = (1.0 - 0.10 * f.below) * rng.uniform(0.92, 1.08)
            hu = 32.0 + 125.0 * bright + rng.normal(0, 4)
            rows.append(ellipse(at, (33 * size, 36 * size), FAT_HU, wobble=2, texture=8))
            lean = -22.0 * side
            rows.append(
                ellipse(
                    at, (24 * size, 29 * size), hu, turn_deg=lean, wobble=2, grain=14, texture=3
                )
            )
            hilum = (at[0] - side * 15.0, at[1] - 5.0)
            rows.append(
                ellipse(
                    hilum,
                    (14 * size, 8 * size),
                    FAT_HU + 15,
                    turn_deg=lean + 20 * side,
                    wobble=3,
                    grain=7,
                )
            )
            rows.append(ellipse((at[0] - side * 9.0, at[1] - 3.0), (4.5, 3.0), 8 + 60 * bright))
    return rows


def bowel(f: Frame, rng: np.random.Generator) -> list[NDArray]:
    """Loops with a wall, filled with fluid or stool, some with gas that has risen to the front."""
    wide, deep = f.inner
    rows = []
    free = -0.32 if f.below <= 1 else -0.92
    rows += _duodenum(f, rng)
    for _ in range(int(rng.integers(18, 27))):
        room = min(deep / 62.0, 1.0)
        radii = (rng.uniform(9, 19) * room, rng.uniform(8, 14) * room)
        x = wide * rng.uniform(free, 0.84)
        chord = np.sqrt(max(1.0 - (x / wide) ** 2, 0.05))
        front = f.middle - deep * chord + max(radii) + 3.0
        y = front + rng.uniform(0.0, 1.0) ** 1.4 * max(-f.b - 40.0 - front, 0.0)
        turn = rng.uniform(-40, 40)
        content = rng.uniform(8, 45)
        kind = rng.random()
        rows.append(ellipse((x, y), radii, 46 + 25 * f.enhanced, turn_deg=turn, wobble=3, grain=12))
        inside = (radii[0] - 2.6, radii[1] - 2.6)
        rough = 220.0 if kind < 0.16 else 12.0
        rows.append(
            ellipse(
                (x, y),
                inside,
                content - 0.25 * rough,
                turn_deg=turn,
                wobble=2.5,
                grain=9,
                texture=rough,
                texture_grain=4.0,
            )
        )
        if kind > 0.66:
            level = y + radii[1] * rng.uniform(-0.5, 0.5)
            rows.append(
                ellipse((x, y), inside, GAS_HU, turn_deg=turn, back=level, wobble=2.5, grain=9)
            )
    for _ in range(14):
        x = wide * rng.uniform(free, 0.6)
        ahead = min(f.middle - 0.5 * deep, -f.b - 31.0)
        rows.append(
            ellipse(
                (x, rng.uniform(ahead, -f.b - 30.0)),
                (rng.uniform(1.5, 3.5),) * 2,
                40 + 90.0 * f.enhanced,
            )
        )
    return rows


def _duodenum(f: Frame, rng: np.random.Generator) -> list[NDArray]:
    """Pancreas and duodenum lie across the great vessels."""
    hu = 42.0 + 45.0 * f.enhanced
    rows = []
    for x, y, rx, ry in ((-34, 34, 17, 12), (-14, 40, 17, 9), (12, 43, 20, 8), (34, 38, 18, 8)):
        at = (x + rng.uniform(-5, 5), -f.b - y - rng.uniform(0, 6))
        if at[1] - ry > f.middle - f.inner[1] + 6.0:
            turn = rng.uniform(-25, 10)
            rows.append(ellipse(at, (rx, ry), hu, turn_deg=turn, wobble=3.5, grain=8, texture=12))
    return rows


def vessels(f: Frame, aorta: Aorta, z: NDArray) -> list[NDArray]:
    """Aorta, vena cava, and the crura of the diaphragm in the upper slices."""
    lumen = 42.0 + (128.0 + 15.0 * z[8] if f.enhanced else 0.0)
    cava = 40.0 + (75.0 if f.enhanced else 0.0)
    around = ((aorta.x - 4.0, aorta.y + 1.0), (aorta.radius + 25.0, aorta.radius + 9.0))
    rows = [ellipse(*around, FAT_HU, wobble=4, texture=9)]
    if f.below <= 1:
        for side in (-1.0, 1.0):
            at = (side * (0.40 * f.traits.width) - 1.0, -f.b - 3.0)
            rows.append(ellipse(at, (5.0, 12.0), 50.0, turn_deg=34 * side, wobble=1.5, grain=9))
    rows.append(ellipse((aorta.x, aorta.y), (aorta.radius + 1.2,) * 2, 48.0))
    rows.append(ellipse((aorta.x, aorta.y), (aorta.radius - 0.6,) * 2, lumen, texture=4))
    at = (-17.5 + 1.5 * z[9], aorta.y + 1.5)
    rows.append(ellipse(at, (11.5, 8.0 + 1.5 * z[5]), cava, turn_deg=-12, wobble=1.0))
    return rows
