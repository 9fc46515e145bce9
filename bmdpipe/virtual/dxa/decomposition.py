"""Bone mineral from two transmissions, by a calibration on a step phantom.

Fat and lean tissue differ in the quotient of the two attenuations (the R value), and so does
mineral: two energies tell two materials apart, never three. The scanner therefore learns from its
phantom (a) the fat share of soft tissue without bone and (b) the mineral at a *given* fat share.
Both are polynomials that absorb beam hardening; neither sees a subject's truth.
Source: Blake and Fogelman 1997, Semin Nucl Med 27(3) (the principle; unverified).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.config.virtual.dxa import DxaConfig
from bmdpipe.virtual.xray.attenuation import Absorption, absorption_of, transmission
from bmdpipe.virtual.xray.detector import response_to
from bmdpipe.virtual.xray.spectrum import tube_beam

SOFT_STEPS_G_CM2 = np.linspace(6.0, 42.0, 10)
MINERAL_STEPS_G_CM2 = np.array([0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 2.75, 3.5])
FAT_STEPS = np.array([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
DEGREE = 4


@dataclass(frozen=True)
class Signals:
    """Attenuation (minus the logarithm of the transmission) at the two voltages."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]


@dataclass(frozen=True)
class Beams:
    """The two beams of a scanner as its detector weighs them."""

    low: Absorption
    high: Absorption

    @classmethod
    def of(cls, config: DxaConfig) -> Beams:
        return cls(
            _detected(config.low_kvp, config.low_filter_mm_al),
            _detected(config.high_kvp, config.high_filter_mm_al),
        )

    def through(self, lean: NDArray, fat: NDArray, mineral: NDArray) -> Signals:
        """Signals without noise behind areal masses in g/cm2."""
        # The kernel takes pictures; steps of a phantom are a picture of one row.
        soft = np.stack([np.atleast_2d(lean), np.atleast_2d(fat)]).astype(np.float32)
        hard = np.atleast_2d(mineral)[None].astype(np.float32)
        low, high = (
            -np.log(transmission(beam, soft, hard).astype(np.float64)).reshape(lean.shape)
            for beam in (self.low, self.high)
        )
        return Signals(low, high)


def _detected(kvp: float, filter_mm_al: float) -> Absorption:
    beam = tube_beam(kvp, filter_mm_al)
    return absorption_of(beam, response_to(beam.energy_kev).signal)


@dataclass(frozen=True)
class Calibration:
    """What a scanner has learnt from its step phantom: coefficients of two polynomials."""

    fat: NDArray[np.float64]
    mineral: NDArray[np.float64]

    def fat_share(self, signals: Signals) -> NDArray[np.float64]:
        """Fat over all soft tissue by mass, where there is no bone."""
        return _powers(_quotient(signals)) @ self.fat

    def mineral_at(self, signals: Signals, fat_share: NDArray) -> NDArray[np.float64]:
        """Mineral in g/cm2, with soft tissue of a given fat share around it."""
        return _powers((*_difference(signals), np.asarray(fat_share, dtype=float))) @ self.mineral


def calibrate(beams: Beams) -> Calibration:
    """Scan all steps of the phantom and fit, weighted for equal errors on every step."""
    soft, mineral, share = (
        grid.ravel()
        for grid in np.meshgrid(SOFT_STEPS_G_CM2, MINERAL_STEPS_G_CM2, FAT_STEPS, indexing="ij")
    )
    signals = beams.through(soft * (1.0 - share), soft * share, mineral)
    bare = mineral == 0
    without = Signals(signals.low[bare], signals.high[bare])
    fat = np.linalg.lstsq(_powers(_quotient(without)), share[bare], rcond=None)[0]
    columns = _powers((*_difference(signals), share))
    return Calibration(fat, np.linalg.lstsq(columns, mineral, rcond=None)[0])


def _quotient(signals: Signals) -> tuple[NDArray, NDArray]:
    """Attenuation at the higher voltage and the R value, both near 0: fat is nearly linear in R."""
    return 0.25 * signals.high - 1.0, 10.0 * (signals.low / signals.high - 1.2)


def _difference(signals: Signals) -> tuple[NDArray, NDArray]:
    """Attenuation at the higher voltage and what the lower one exceeds it by: mineral is nearly
    linear in both."""
    return 0.25 * signals.high, signals.low - signals.high


def _powers(variables: tuple[NDArray, ...]) -> NDArray[np.float64]:
    """All products of up to `DEGREE` of the variables, in the last axis."""
    columns = [np.ones_like(variables[0])]
    for degree in range(1, DEGREE + 1):
        for chosen in combinations_with_replacement(range(len(variables)), degree):
            columns.append(np.prod([variables[i] for i in chosen], axis=0))
    return np.stack(columns, axis=-1)
