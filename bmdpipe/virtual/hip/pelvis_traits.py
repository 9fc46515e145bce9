"""Sizes and proportions of a subject's pelvis, which vary by sex and from person to person."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bmdpipe.virtual.demographics import Person, stream

FEMALE: dict[str, tuple[float, float, float]] = {
    "pubis": (3.0, 1.0, 2.0),
    "arch": (10.0, 0.0, 6.0),
    "tuberosity": (25.0, 0.0, 6.0),
    "ischial_spine": (10.0, 4.0, 0.0),
    "inlet": (5.0, 4.0, 0.0),
    "anterior_spine": (2.0, 2.0, -4.0),
    "crest_side": (-1.0, 0.0, -8.0),
    "crest_top": (2.0, 0.0, -10.0),
    "crest_back": (3.0, 2.0, -4.0),
    "back_lower_spine": (5.0, 5.0, 0.0),
}
"""How a woman's pelvis differs from the man's of the form (lateral, posterior, superior mm).

A wider arch, notch and outlet, lower wings; set so that the mean subpubic angle (CT, 83 degrees,
brieflands.com/articles/ijradiology-82368), interspinous (109) and intertuberous distance (122 mm;
MR, PLoS One 2023, 18(8), e0289814) are the literature's.
"""
OUTLET: dict[str, float] = {"arch": 4.0, "tuberosity": 7.0, "ischial_spine": 2.5}
"""Standard deviation (mm, outwards) of what widens arch and outlet together."""
COMMON_MM, OWN_MM = 3.0, 1.2
"""Standard deviation of a corner, per axis, between people and between one's two sides."""


@dataclass(frozen=True)
class PelvisTraits:
    """Relative width, depth and height of the pelvis, its tilt, and shifts of its corners by side.

    Shifts are (lateral, posterior, superior) mm.
    """

    width: float
    depth: float
    height: float
    hip_distance_mm: float
    tilt_deg: float
    joint_gap_mm: dict[str, float]
    shift: dict[str, dict[str, NDArray[np.float64]]]
    thickness: float
    symphysis_mm: float


def draw_pelvis(person: Person, seed: int, corners: tuple[str, ...]) -> PelvisTraits:
    """The pelvis; `corners` are the names whose places vary on their own.

    Sources: joint space 3 to 5 mm, symphysis 4 to 5 mm and hip distance (unverified).
    """
    rng = stream(seed, person.number, "pelvis")
    male = person.sex == "M"
    z = rng.standard_normal(9)
    common = {
        name: COMMON_MM * np.clip(rng.standard_normal(3), -2, 2)
        + (0.0 if male else np.array(FEMALE[name]))
        + np.array([OUTLET.get(name, 0.0) * np.clip(z[8], -2, 2), 0.0, 0.0])
        for name in corners
    }
    shift = {
        side: {
            name: common[name] + OWN_MM * np.clip(rng.standard_normal(3), -2, 2) for name in corners
        }
        for side in ("R", "L")
    }
    size = 1.0 + 0.03 * z[0]
    return PelvisTraits(
        width=(0.98 if male else 0.97) * size * (1.0 + 0.02 * z[1]),
        depth=(0.98 if male else 0.93) * size * (1.0 + 0.03 * z[2]),
        height=(0.98 if male else 0.92) * size * (1.0 + 0.02 * z[3]),
        hip_distance_mm=(178.0 if male else 174.0) * size * (1.0 + 0.02 * z[1]),
        tilt_deg=4.0 * z[4],
        joint_gap_mm={
            side: float(np.clip(3.6 + 0.5 * z[5] + 0.3 * rng.standard_normal(), 1.8, 5.0))
            for side in ("R", "L")
        },
        shift=shift,
        thickness=(0.99 if male else 0.90) * size * (1.0 + 0.05 * z[6]),
        symphysis_mm=float(np.clip(4.4 + 0.7 * z[7], 3.0, 6.5)),
    )
