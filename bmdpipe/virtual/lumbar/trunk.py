"""The trunk around a lumbar vertebra: skin, fat, muscles, vessels, kidneys, liver, bowel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.config.virtual.lumbar import LumbarConfig
from bmdpipe.virtual.demographics import Person, stream
from bmdpipe.virtual.lumbar.bones import Aorta
from bmdpipe.virtual.lumbar.frame import LEAST_FRONT_MM, LEVELS_BELOW_L1, LIE_MM, Frame
from bmdpipe.virtual.lumbar.muscles import back_muscles, canal
from bmdpipe.virtual.lumbar.organs import bowel, organs, vessels, wall
from bmdpipe.virtual.lumbar.traits import VertebraTraits


@dataclass(frozen=True)
class Trunk:
    """Ellipses to paint in order, HU; the skin's half width, front and back in mm; the aorta."""

    rows: NDArray[np.float64]
    half_width_mm: float
    front_mm: float
    back_mm: float
    aorta: Aorta
    offset: float
    enhanced: bool


def draw_trunk(config: LumbarConfig, person: Person, traits: VertebraTraits) -> Trunk:
    """A trunk from BMI, sex and age, in the frame of the upright vertebra."""
    rng = stream(config.seed, person.number, "trunk")
    z = np.clip(rng.standard_normal(10), -2.2, 2.2)
    enhanced = is_enhanced(config, person.number)
    below = LEVELS_BELOW_L1[config.level]
    male = person.sex == "M"
    heavier = person.bmi - 23.5
    skin = float(np.clip((9.0 if male else 16.0) + 1.5 * heavier + 3.0 * z[0], 4.0, 45.0))
    half_width = 138.0 + (8.0 if male else 0.0) + 4.0 * heavier + 5.0 * z[1]
    b = 0.5 * traits.depth
    back = b + traits.canal_depth + 38.0 + 0.55 * skin + 2.0 * z[2]
    depth = 93.0 + (5.0 if male else 0.0) + 3.4 * heavier + 4.0 * z[3]
    depth = max(depth, 0.5 * (back + LIE_MM + b) + LEAST_FRONT_MM)
    aorta = Aorta(
        x=9.0 + 2.0 * float(z[4]) - 1.5 * below,
        y=-b - 12.5 - 1.5 * abs(float(z[5])),
        radius=float(
            np.clip((9.3 if male else 8.0) + 0.05 * (person.age_years - 55) + z[6], 6.5, 15)
        ),
        calcified=traits.wear.calcification,
        offset=float(rng.uniform(0, 100)),
    )
    frame = Frame(
        half_width, depth, back + LIE_MM - depth, back, skin, b, below, person, traits, enhanced
    )
    rows = [*wall(frame, z), *organs(frame, rng), *bowel(frame, rng)]
    rows += [*vessels(frame, aorta, z), *back_muscles(frame, z), *canal(frame)]
    return Trunk(
        rows=np.array(rows),
        half_width_mm=half_width,
        front_mm=back + LIE_MM - 2.0 * depth,
        back_mm=back,
        aorta=aorta,
        offset=float(rng.uniform(0, 1000)),
        enhanced=enhanced,
    )


def is_enhanced(config: LumbarConfig, number: int) -> bool:
    """Whether the scan was made with contrast medium."""
    return bool(stream(config.seed, number, "contrast").random() < config.enhanced_fraction)
