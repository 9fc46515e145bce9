"""What disease has done to each hip: narrowing of the joint, osteophytes, deformity, an implant.

Kellgren-Lawrence grades follow from the severity: doubtful signs, definite osteophytes, narrowing
with sclerosis, bone contact. Source: Kellgren and Lawrence 1957, Ann Rheum Dis 16.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bmdpipe.core.config.virtual.disease import DiseaseConfig
from bmdpipe.core.labels import SIDES
from bmdpipe.virtual.demographics import Person, stream

GRADE_LIMITS = (0.08, 0.25, 0.5, 0.75)
"""Severity from which grades 1 to 4 are given."""


@dataclass(frozen=True)
class HipDisease:
    """One hip. Everything but `implant` runs from 0 (none) to 1 (worst).

    `narrowing` is the lost share of the joint space, greatest where the hip bears weight;
    `osteophytes` scales bony spurs around the head and the acetabulum's rim; `sclerosis` is dense
    bone under the joint; `deformity` flattens and broadens the head and shortens the neck.
    """

    severity: float
    narrowing: float
    osteophytes: float
    sclerosis: float
    deformity: float
    implant: bool

    @property
    def grade(self) -> int:
        """Kellgren-Lawrence, 0 to 4."""
        return int(np.searchsorted(GRADE_LIMITS, self.severity, side="right"))


def draw_disease(config: DiseaseConfig, person: Person, seed: int) -> dict[str, HipDisease]:
    """Both hips of a person; older subjects are worse off. An examined hip has no implant."""
    rng = stream(seed, person.number, "disease")
    examined, other, implant = rng.random(3)
    common = rng.beta(2.0, 2.0 * (1.0 - config.severity) / config.severity)
    older = float(np.clip(1.0 + 0.008 * (person.age_years - 57.6), 0.6, 1.4))
    ill = examined < config.osteoarthritis_fraction
    result = {}
    for side in SIDES:
        own = rng.beta(4.0, 4.0, 4)
        if side == person.side:
            severity = common * older if ill else 0.08 * own[0]
        else:
            both = ill and other < config.other_side_fraction
            severity = 0.7 * common * older if both else 0.08 * own[0]
        severity = float(np.clip(severity, 0.0, 1.0))
        narrowing, osteophytes, sclerosis, deformity = np.clip(severity * 2.0 * own, 0.0, 1.0)
        result[side] = HipDisease(
            severity=severity,
            narrowing=float(narrowing),
            osteophytes=float(osteophytes),
            sclerosis=float(sclerosis),
            deformity=config.deformity_max * float(deformity),
            implant=side != person.side and bool(implant < config.implant_fraction),
        )
    return result
