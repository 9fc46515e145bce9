"""Muscles about the lumbar spine and what the spinal canal holds, as ellipses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bmdpipe.virtual.lumbar.frame import FAT_HU, Frame
from bmdpipe.virtual.lumbar.paint import ellipse


def back_muscles(f: Frame, z: NDArray) -> list[NDArray]:
    """Psoas, quadratus lumborum and erector spinae, infiltrated by fat with age."""
    a, b = 0.5 * f.traits.width, f.b
    aged = float(np.clip((f.person.age_years - 35.0) / 50.0, 0.0, 1.0))
    big = 1.08 if f.person.sex == "M" else 0.95
    hu = 56.0 - 16.0 * aged + 8.0 * f.enhanced
    streak = 14.0 + 34.0 * aged
    psoas = (8.5 + 3.4 * f.below) * big, (14.0 + 2.6 * f.below) * big
    rows = []
    disc = (a + 2.0, b + 1.5)
    for side in (-1.0, 1.0):
        at = (side * (a + 0.62 * psoas[0]), 0.30 * b + 1.0)
        rows.append(
            ellipse(at, psoas, hu, turn_deg=-14 * side, wobble=2, grain=14, texture=0.5 * streak)
        )
        at = (side * (a + 26.0 + 4.0 * f.below), b + 13.0)
        rows.append(
            ellipse(at, (16.0, 7.0), hu, turn_deg=24 * side, wobble=2, grain=12, texture=streak)
        )
        at = (side * (31.0 + z[7]), b + 34.0)
        rows.append(
            ellipse(
                at, (29.0 * big, 19.5 * big), FAT_HU + 25, turn_deg=-8 * side, wobble=2, grain=18
            )
        )
        rows.append(
            ellipse(
                at,
                (27.4 * big, 18.0 * big),
                hu,
                turn_deg=-8 * side,
                wobble=2.5,
                grain=15,
                texture=streak,
                texture_grain=5.0,
            )
        )
        at = (side * 11.5, b + 33.0)
        rows.append(
            ellipse(
                at,
                (8.5, 15.0),
                hu - 4,
                turn_deg=5 * side,
                wobble=2,
                grain=10,
                texture=1.2 * streak,
                texture_grain=4.0,
            )
        )
    rows.append(ellipse((0.0, -0.04 * b), disc, 84.0, texture=8))
    return rows


def canal(f: Frame) -> list[NDArray]:
    """Fat in the canal and the recesses, the dural sac, the flaval ligaments."""
    t, b = f.traits, f.b
    y = b - 0.8 + 0.52 * t.canal_depth
    rows = [
        ellipse(
            (0.0, y), (0.5 * t.canal_width + 7.0, 0.5 * t.canal_depth + 1.0), FAT_HU + 20, wobble=1
        )
    ]
    for side in (-1.0, 1.0):
        at = (side * 0.27 * t.canal_width, b + 0.86 * t.canal_depth)
        rows.append(ellipse(at, (7.0, 2.2), 62.0, turn_deg=-38 * side))
        at = (side * (0.5 * t.canal_width + 3.5), b + 0.30 * t.canal_depth)
        rows.append(ellipse(at, (3.2, 2.6), 42.0))
    rows.append(
        ellipse((0.0, y - 1.0), (0.37 * t.canal_width, 0.36 * t.canal_depth), 22.0, wobble=0.6)
    )
    rows.append(ellipse((0.0, y - 1.0), (4.6, 3.4), 36.0, wobble=0.4))
    return rows
