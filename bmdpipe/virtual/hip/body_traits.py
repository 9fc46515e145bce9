"""How fat and how muscular a subject is: what BMI, sex and age say, and what they leave open.

Sources: lateral over anterior fat at the hip 1.97 in men and 2.68 in women (Sprowls 2022, J
Arthroplasty, 2004 CTs); tissue beside the trochanter of older men 31 +- 11.5 mm (Nielson 2009, J
Clin Endocrinol Metab). How steeply fat rises with BMI, and the loss of muscle with age, are
recalled (unverified).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bmdpipe.core.config.virtual.soft_tissue import SoftTissueConfig
from bmdpipe.virtual.demographics import Person, stream

MEAN_BMI = 23.5
GROUPS = ("gluteal", "thigh", "adductor", "flexor", "trunk")
"""Muscles that waste and fatten together."""


@dataclass(frozen=True)
class BodyTraits:
    """Fat thickness in mm (lateral at the trochanter, in front of the hip, behind the buttock, at
    the medial thigh, the belly, the flank), what the belly bulges (mm), the panniculus 0 to 1, the
    relative girth of muscle and its fatty share by group."""

    lateral_mm: float
    anterior_mm: float
    posterior_mm: float
    medial_mm: float
    belly_mm: float
    flank_mm: float
    bulge_mm: float
    panniculus: float
    side_factor: dict[str, float]
    girth: dict[str, dict[str, float]]
    """By side, then by group."""
    infiltration: dict[str, float]
    plane_mm: float
    """Half the fat between two muscles."""


def draw_body(
    config: SoftTissueConfig, person: Person, seed: int, wasted: dict[str, float]
) -> BodyTraits:
    """The traits; `wasted` is the severity (0 to 1) of the disease of each side's hip, which makes
    the muscles around it waste."""
    rng = stream(seed, person.number, "body")
    z = np.clip(rng.standard_normal(10), -2.3, 2.3)
    male = person.sex == "M"
    heavier = person.bmi - MEAN_BMI
    older = person.age_years - 50.0
    spread = config.fat_spread
    # More fat and less muscle, or the other way round, at the same BMI.
    fatness = spread * z[0]
    lateral = ((25.0 if male else 34.0) + (1.9 if male else 2.4) * heavier) * np.exp(fatness)
    lateral = float(np.clip(lateral, 6.0, 90.0))
    ratio = (1.97 if male else 2.68) * np.exp(0.12 * z[1])
    belly = ((17.0 if male else 21.0) + 1.9 * heavier) * np.exp(0.8 * fatness + 0.15 * z[2])
    common = 1.0 + 0.010 * heavier - 0.15 * fatness + config.muscle_spread * z[3]
    common *= (1.0 if male else 1.03) * (1.0 - config.muscle_loss_per_year * max(older, -10.0))
    own = np.clip(rng.standard_normal((2, len(GROUPS))), -2, 2)
    girth = {}
    for k, side in enumerate(("R", "L")):
        loss = 0.12 * wasted[side]
        girth[side] = {
            group: float(
                np.clip(common * (1.0 + 0.015 * own[k, g] - loss * (group != "trunk")), 0.6, 1.3)
            )
            for g, group in enumerate(GROUPS)
        }
    infiltration = config.infiltration_at_50 * np.exp(0.022 * older + 0.015 * heavier + 0.35 * z[4])
    by_group = dict(zip(GROUPS, (1.5, 0.7, 0.9, 0.6, 1.7), strict=True))
    return BodyTraits(
        lateral_mm=lateral,
        anterior_mm=max(lateral / ratio, 4.0),
        posterior_mm=max(0.72 * lateral * np.exp(0.12 * z[5]), 6.0),
        medial_mm=max(0.7 * lateral * np.exp(0.12 * z[6]), 6.0),
        belly_mm=float(np.clip(belly, 5.0, 75.0)),
        flank_mm=float(np.clip(0.85 * belly * np.exp(0.12 * z[7]), 5.0, 80.0)),
        bulge_mm=float(1.6 * heavier + (4.0 if male else 0.0) + 0.12 * older + 5.0 * z[8]),
        panniculus=float(np.clip((person.bmi - 26.0) / 9.0 + 0.15 * z[9], 0.0, 1.2)),
        side_factor={s: float(1.0 + 0.04 * v) for s, v in zip(("R", "L"), own[:, 0], strict=True)},
        girth=girth,
        infiltration={g: float(min(infiltration * v, 0.6)) for g, v in by_group.items()},
        plane_mm=float(np.clip(0.7 + 0.03 * heavier + 0.012 * older + 0.25 * z[2], 0.35, 2.2)),
    )
