"""Who is in front of the detector, and how the chest differs from the mean one.

The mean chest is modelled in a frame of its own, in mm: the origin on the midline at the carina, x
to the patient's left, y to the back, z up. `Build` stretches it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bmdpipe.core.config.virtual.chest import ChestConfig
from bmdpipe.virtual.demographics import Person, stream


@dataclass(frozen=True)
class Build:
    """Factors along x, y, z on the mean chest, fat in mm, and parts that vary on their own.

    `heart` is a factor on its size, `aorta` on the radius and unfolding of the aorta, `inspiration`
    lowers the diaphragm (mm), `vessels` a factor on their calibre, `lung_g_cm3` the aerated lung.
    """

    stretch: tuple[float, float, float]
    fat_mm: float
    muscle_mm: float
    breast_mm: float
    breast_low_mm: float
    glandular: float
    heart: float
    aorta: float
    inspiration_mm: float
    dome_step_mm: float
    bubble_mm: float
    vessels: float
    lung_g_cm3: float
    bone: float
    rib_slope: float
    clavicle_lift_mm: float
    scapula_out_mm: float
    offset: float


def draw_build(config: ChestConfig, person: Person) -> Build:
    """A chest from sex, age and BMI, with spread."""
    rng = stream(config.seed, person.number, "build")
    z = np.clip(rng.standard_normal(18), -2.2, 2.2)
    male = person.sex == "M"
    heavier = person.bmi - 22.5
    size = 1.0 if male else 0.91
    aged = float(np.clip((person.age_years - 30.0) / 50.0, 0.0, 1.0))
    fat = float(np.clip((7.0 if male else 11.0) + 1.1 * heavier + 2.0 * z[0], 3.0, 35.0))
    breast = 0.0 if male else float(np.clip(22.0 + 2.2 * heavier + 7.0 * z[1], 5.0, 60.0))
    return Build(
        stretch=(
            size * (1.0 + 0.04 * z[2] + 0.006 * heavier),
            size * (0.97 + 0.05 * z[3] + 0.008 * heavier + 0.05 * aged),
            size * (1.02 + 0.05 * z[4] - 0.004 * heavier),
        ),
        fat_mm=fat,
        muscle_mm=(17.0 if male else 12.0) + 2.0 * float(z[5]),
        breast_mm=breast,
        breast_low_mm=float(-102.0 + 10.0 * z[6] - 14.0 * aged),
        glandular=float(np.clip(0.55 - 0.35 * aged + 0.12 * z[7], 0.1, 0.9)),
        heart=float(0.98 + 0.055 * z[8] + 0.07 * aged + 0.006 * heavier),
        aorta=float(0.98 + 0.06 * z[9] + 0.22 * aged),
        inspiration_mm=float(-2.0 + 9.0 * z[10] - 0.9 * heavier),
        dome_step_mm=float(14.0 + 5.0 * z[11]),
        bubble_mm=float(rng.uniform(14.0, 34.0)),
        vessels=float(np.exp(0.16 * z[12])),
        lung_g_cm3=float(np.clip(0.175 + 0.028 * z[13], 0.11, 0.25)),
        bone=float(np.exp(0.20 * z[14] - 0.25 * max(aged - 0.4, 0.0))),
        rib_slope=float(1.0 + 0.12 * z[15]),
        clavicle_lift_mm=float(8.0 * z[16]),
        scapula_out_mm=float(9.0 * z[17] + 4.0),
        offset=float(rng.uniform(0, 1000)),
    )
