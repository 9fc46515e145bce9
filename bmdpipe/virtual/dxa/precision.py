"""The precision error of a scan: leg, cuts, quanta, and what is left for the scanner's gain.

`DxaConfig.precision_cv` is the whole error. A subject's own sensitivity to a turned leg, to
displaced cuts and to quanta is measured on the noise-free picture; what these explain of the set
error is left to them, and a random gain (drift of the tube, movement) makes up the rest. Where they
would explain more than what is set, all of them shrink and the gain is exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bmdpipe.core.config.virtual.dxa import DxaConfig
from bmdpipe.virtual.dxa.region import Placement


@dataclass(frozen=True)
class Sensitivity:
    """Relative standard deviations that each part alone would give a subject's reading."""

    turn: float
    distal: float
    proximal: float
    tilt: float
    quanta: float

    @property
    def all_parts(self) -> float:
        return float(
            np.sqrt(
                self.turn**2 + self.distal**2 + self.proximal**2 + self.tilt**2 + self.quanta**2
            )
        )


@dataclass(frozen=True)
class Budget:
    """`shrink` multiplies every part of the scan's error; `gain_cv` is the gain's spread."""

    shrink: float
    gain_cv: float

    @classmethod
    def of(cls, precision_cv: float, sensitivity: Sensitivity) -> Budget:
        explained = sensitivity.all_parts
        if explained <= precision_cv:
            return cls(1.0, float(np.sqrt(precision_cv**2 - explained**2)))
        return cls(precision_cv / explained, 0.0)


@dataclass(frozen=True)
class Repeat:
    """What goes otherwise in one scan than in the next."""

    turn_deg: float
    placement: Placement
    gain: float


def draw_repeat(config: DxaConfig, budget: Budget, rng: np.random.Generator) -> Repeat:
    """One scan's errors; always the same number of draws."""
    turn, distal, proximal, tilt, gain = rng.standard_normal(5)
    return Repeat(
        turn_deg=float(budget.shrink * config.turn_sd_deg * turn),
        placement=Placement(
            distal_mm=float(budget.shrink * config.cut_sd_mm * distal),
            proximal_mm=float(budget.shrink * config.cut_sd_mm * proximal),
            tilt_deg=float(budget.shrink * config.cut_tilt_sd_deg * tilt),
        ),
        gain=1.0 + float(budget.gain_cv * gain),
    )
