"""The virtual DXA scanner: two pictures of a hip, their decomposition, and the areal BMD.

What makes a reading differ from the truth: the fat around and inside the bone (see `baseline` and
`tissue`), the bone's edge by a threshold, a bias of the subject's own (`accuracy_cv`), the
scanner's scale, and from scan to scan what `precision` tells.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.config.virtual.cohort import VirtualConfig
from bmdpipe.core.config.virtual.dxa import DxaConfig
from bmdpipe.virtual.demographics import stream
from bmdpipe.virtual.dxa.baseline import bone_of, mineral_picture
from bmdpipe.virtual.dxa.decomposition import Beams, Calibration, Signals, calibrate
from bmdpipe.virtual.dxa.pose import View, dxa_view
from bmdpipe.virtual.dxa.precision import Budget, draw_repeat
from bmdpipe.virtual.dxa.region import Placement, total_hip
from bmdpipe.virtual.dxa.sensitivity import sensitivity, with_quanta
from bmdpipe.virtual.dxa.tissue import Masses, draw_marrow_fat, surroundings, with_femur
from bmdpipe.virtual.dxa.truth import has_implant
from bmdpipe.virtual.hip.anatomy import Anatomy

CM2_PER_MM2 = 0.01
FAINT_G_CM2 = 0.02
"""Mineral from which an operator takes a pixel for bone."""


@dataclass(frozen=True)
class DxaScan:
    """One scan: mineral over the baseline `[h, w]` in g/cm2, the total-hip region in it, and what
    the scanner reports."""

    mineral: NDArray[np.float64]
    region: NDArray[np.bool_]
    abmd_g_cm2: float
    area_cm2: float

    @property
    def bmc_g(self) -> float:
        return self.abmd_g_cm2 * self.area_cm2


def dxa_reading(config: VirtualConfig, anatomy: Anatomy, repeat: int = 0) -> float:
    """Areal BMD of the examined hip as the scanner reports it, g/cm2; `repeat` is a new scan."""
    return dxa_scan(config, anatomy, anatomy.person.side, repeat).abmd_g_cm2


def dxa_scan(config: VirtualConfig, anatomy: Anatomy, side: str, repeat: int = 0) -> DxaScan:
    """A scan of one hip. Raises ValueError if an implant is in it: it has no reading."""
    dxa, person = config.dxa, anatomy.person
    if has_implant(config, anatomy, side):
        raise ValueError(f"the {side} hip has an implant")
    marrow = draw_marrow_fat(config, person.number)
    bias_z = np.clip(stream(config.seed, person.number, "dxa bias").standard_normal(), -2.5, 2.5)
    rng = stream(config.seed, person.number, f"dxa {side} {repeat}")
    beams = Beams.of(dxa)
    calibration = calibrate(beams)
    straight = dxa_view(anatomy, side, dxa.pixel_mm)
    around = surroundings(dxa, anatomy, straight)
    usual = with_femur(around, anatomy, straight, marrow)
    parts = sensitivity(dxa, anatomy, straight, usual, beams, calibration)
    budget = Budget.of(dxa.precision_cv, parts)
    error = draw_repeat(dxa, budget, rng)
    view = dxa_view(anatomy, side, dxa.pixel_mm, error.turn_deg)
    masses = with_femur(around, anatomy, view, marrow)
    exact = beams.through(masses.lean, masses.fat, masses.mineral)
    signals = with_quanta(dxa, exact, budget.shrink, rng)
    factor = dxa.scale * (1.0 + dxa.accuracy_cv * float(bias_z)) * error.gain
    return _analysed(dxa, calibration, signals, masses, view, error.placement, factor)


def _analysed(
    dxa: DxaConfig,
    calibration: Calibration,
    signals: Signals,
    masses: Masses,
    view: View,
    placement: Placement,
    factor: float,
) -> DxaScan:
    """The operator corrects the bone map, as on a real scanner: soft tissue is looked for outside
    all bone, and pelvic bone beside the femur is taken out; the femur's edge is the scanner's."""
    edge, pixel = dxa.edge_g_cm2, dxa.pixel_mm
    mineral = factor * mineral_picture(calibration, signals, masses.mineral >= FAINT_G_CM2, pixel)
    foreign = (masses.pelvis >= edge) & (masses.femur < edge)
    bone = bone_of(mineral, pixel, edge) & ~foreign
    region = total_hip(bone, view.pixels, pixel, placement)
    area = float(region.sum()) * pixel**2 * CM2_PER_MM2
    return DxaScan(mineral, region, float(mineral[region].mean()), area)
