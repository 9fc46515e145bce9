"""Sizes and proportions of a subject's pelvis, which vary by sex and from person to person."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bmdpipe.virtual.demographics import Person, stream


@dataclass(frozen=True)
class PelvisTraits:
    """Relative width, depth and height of the pelvis, its tilt, random shifts of its corners."""

    width: float
    depth: float
    height: float
    hip_distance_mm: float
    tilt_deg: float
    joint_gap_mm: dict[str, float]
    common: dict[str, np.ndarray]
    own: dict[str, dict[str, np.ndarray]]
    flare: float
    thickness: float


def draw_pelvis(person: Person, seed: int, corners: tuple[str, ...]) -> PelvisTraits:
    """The pelvis; `corners` are the names whose places vary on their own."""
    rng = stream(seed, person.number, "pelvis")
    male = person.sex == "M"
    z = rng.standard_normal(8)
    common = {name: 2.2 * np.clip(rng.standard_normal(3), -2, 2) for name in corners}
    own = {
        side: {name: 1.0 * np.clip(rng.standard_normal(3), -2, 2) for name in corners}
        for side in ("R", "L")
    }
    size = 1.0 + 0.03 * z[0]
    return PelvisTraits(
        width=(0.98 if male else 1.0) * size * (1.0 + 0.02 * z[1]),
        depth=(1.03 if male else 0.98) * size * (1.0 + 0.03 * z[2]),
        height=(1.05 if male else 0.96) * size * (1.0 + 0.02 * z[3]),
        hip_distance_mm=(172.0 if male else 171.0) * size * (1.0 + 0.02 * z[1]),
        tilt_deg=4.0 * z[4],
        joint_gap_mm={
            side: float(np.clip(3.6 + 0.5 * z[5] + 0.3 * rng.standard_normal(), 1.8, 5.0))
            for side in ("R", "L")
        },
        common=common,
        own=own,
        flare=1.0 + 0.05 * z[6],
        thickness=1.0 + 0.07 * z[7],
    )
