"""What a subject's lumbar vertebrae are like: sizes, bone mineral, wear.

Source of the sizes: Panjabi, Goel, Oxland et al. 1992, Spine 17(3):299 (recalled, unverified), with
the ratio of men to women and a spread of five per cent set here. Source of the loss with age: Riggs
et al. 2008, JBMR 23(2):205 (PMC2665699): the lumbar core loses 1.6 % a year in young women, 0.8 %
in young men, faster about the menopause.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.config.virtual.lumbar import Level, LumbarConfig
from bmdpipe.virtual.demographics import Person, stream

SIZES_MM: dict[Level, tuple[float, float, float, float, float, float, float]] = {
    "L1": (42.5, 32.0, 26.5, 23.5, 17.5, 8.2, 71.0),
    "L2": (44.0, 33.0, 27.0, 23.8, 17.3, 8.6, 76.0),
    "L3": (45.5, 33.8, 27.2, 24.3, 17.0, 10.2, 86.0),
    "L4": (47.5, 34.5, 27.0, 25.4, 17.6, 12.4, 82.0),
}
"""Width, depth and height of the body, width and depth of the canal, width of a pedicle, span of
the transverse processes."""
DISC_MM = 9.0


@dataclass(frozen=True)
class Wear:
    """Degeneration, each 0 to 1, the facets' right and left; `sclerosis` of the endplates."""

    osteophytes: float
    facets: tuple[float, float]
    sclerosis: float
    calcification: float


@dataclass(frozen=True)
class VertebraTraits:
    """Sizes in mm, mineral in mg/cm3 and wear of the vertebra in the slab.

    `angles` [12] turn the small parts, one number each; `island_mg_cm3` is a bone island's excess.
    """

    width: float
    depth: float
    height: float
    canal_width: float
    canal_depth: float
    pedicle: float
    span: float
    disc: float
    cortex: float
    trabecular_mg_cm3: float
    compact_mg_cm3: float
    wear: Wear
    small: NDArray[np.float64]
    island_mg_cm3: float


def draw_traits(config: LumbarConfig, person: Person) -> VertebraTraits:
    """The vertebra of a person; every draw has a stream of its own."""
    rng = stream(config.seed, person.number, "vertebra")
    male = person.sex == "M"
    size = (1.05 if male else 0.96) * float(
        np.exp(0.05 * np.clip(rng.standard_normal(), -2.5, 2.5))
    )
    own = np.exp(0.04 * np.clip(rng.standard_normal(7), -2.5, 2.5))
    width, depth, height, canal_width, canal_depth, pedicle, span = (
        float(v) for v in np.array(SIZES_MM[config.level]) * size * own
    )
    trabecular, cortical = draw_mineral(config, person)
    wear = draw_wear(config, person)
    return VertebraTraits(
        width=width,
        depth=depth,
        height=height,
        canal_width=canal_width,
        canal_depth=canal_depth,
        pedicle=pedicle,
        span=span,
        disc=DISC_MM * size * float(1.0 - 0.45 * wear.osteophytes),
        cortex=0.40 * cortical,
        trabecular_mg_cm3=trabecular,
        compact_mg_cm3=config.bone.cortical_mg_cm3,
        wear=wear,
        small=rng.standard_normal(12),
        island_mg_cm3=float(rng.uniform(250, 500)) if rng.random() < 0.06 else 0.0,
    )


def draw_mineral(config: LumbarConfig, person: Person) -> tuple[float, float]:
    """Density of the core, mg/cm3, and the factor on every cortical thickness."""
    bone = config.bone
    shared, own = stream(config.seed, person.number, "mineral").standard_normal(2)
    shared, own = np.clip([shared, own], -2.6, 2.6)
    mean = bone.trabecular_25_years_mg_cm3 * lost_with_age(person.sex, person.age_years)
    mean += 0.8 * (person.bmi - 23.5)
    trabecular = mean + bone.trabecular_sd_mg_cm3 * (
        bone.correlation * shared + np.sqrt(1.0 - bone.correlation**2) * own
    )
    thinner = np.exp(-0.006 * max(person.age_years - 45.0, 0.0))
    cortical = float(np.exp(bone.cortical_cv * shared)) * float(thinner)
    return max(float(trabecular), 18.0), cortical * (1.04 if person.sex == "M" else 1.0)


def lost_with_age(sex: str, age_years: float) -> float:
    """Mean density of the core at an age over that at 25."""
    young = 0.0095 if sex == "F" else 0.0085
    rest = -young * (min(age_years, 48.0) - 25.0)
    menopause = -0.019 if sex == "F" else -0.0085
    rest += menopause * float(np.clip(age_years - 48.0, 0.0, 10.0))
    rest += -0.011 * max(age_years - 58.0, 0.0)
    return float(np.exp(rest))


def draw_wear(config: LumbarConfig, person: Person) -> Wear:
    """Degeneration begins at about 40 and differs widely between people of one age."""
    rng = stream(config.seed, person.number, "wear")
    aged = float(np.clip((person.age_years - 38.0) / 45.0, 0.0, 1.0))
    shared = rng.beta(1.3, 1.3)
    parts = np.clip(aged * (0.35 * shared + rng.uniform(0.0, 1.0, 4)) * 1.2, 0.0, 1.0)
    worn = config.degeneration
    aorta = float(np.clip((person.age_years - 48.0) / 38.0, 0.0, 1.0)) * rng.beta(1.0, 1.3)
    return Wear(
        osteophytes=min(float(parts[0]) * worn, 1.0),
        facets=(min(float(parts[1]) * worn, 1.0), min(float(parts[2]) * worn, 1.0)),
        sclerosis=min(float(parts[3] * parts[0]) * worn, 1.0),
        calcification=min(float(aorta) * config.calcification, 1.0),
    )
