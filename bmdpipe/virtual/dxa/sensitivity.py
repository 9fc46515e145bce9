"""How much a subject's reading answers to a turned leg, to displaced cuts and to quanta."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.config.virtual.dxa import DxaConfig
from bmdpipe.virtual.dxa.decomposition import Beams, Calibration, Signals
from bmdpipe.virtual.dxa.pose import View, dxa_view
from bmdpipe.virtual.dxa.precision import Sensitivity
from bmdpipe.virtual.dxa.region import EXACT, Placement, total_hip
from bmdpipe.virtual.dxa.tissue import Masses, femur_mineral
from bmdpipe.virtual.hip.anatomy import Anatomy

NUDGE = 1e-3


def sensitivity(
    config: DxaConfig,
    anatomy: Anatomy,
    view: View,
    masses: Masses,
    beams: Beams,
    calibration: Calibration,
) -> Sensitivity:
    """Relative spread of the reading by each part of the precision error alone."""
    usual = _mean(config, masses.femur, view)

    def turned(sign: int) -> float:
        other = dxa_view(anatomy, view.side, config.pixel_mm, sign * config.turn_sd_deg)
        return _mean(config, femur_mineral(anatomy, other), other) / usual - 1.0

    def displaced(placement: Placement) -> float:
        return _mean(config, masses.femur, view, placement) / usual - 1.0

    shift, tilt = config.cut_sd_mm, config.cut_tilt_sd_deg
    return Sensitivity(
        turn=_spread(turned(1), turned(-1)),
        distal=_spread(*(displaced(Placement(distal_mm=v)) for v in (shift, -shift))),
        proximal=_spread(*(displaced(Placement(proximal_mm=v)) for v in (shift, -shift))),
        tilt=_spread(*(displaced(Placement(tilt_deg=v)) for v in (tilt, -tilt))),
        quanta=_quanta(config, masses, view, beams, calibration),
    )


def with_quanta(
    config: DxaConfig, signals: Signals, shrink: float, rng: np.random.Generator
) -> Signals:
    """Signals with the noise of the quanta counted in each pixel."""
    low, high = (
        signal + shrink * deviation * rng.standard_normal(signal.shape)
        for signal, deviation in zip(
            (signals.low, signals.high), _deviations(config, signals), strict=True
        )
    )
    return Signals(low, high)


def _deviations(config: DxaConfig, signals: Signals) -> tuple[NDArray, NDArray]:
    """Of an attenuation behind which N quanta are counted: 1 / sqrt(N)."""
    counted = config.photons_per_mm2 * config.pixel_mm**2
    return np.exp(0.5 * signals.low) / counted**0.5, np.exp(0.5 * signals.high) / counted**0.5


def _quanta(
    config: DxaConfig, masses: Masses, view: View, beams: Beams, calibration: Calibration
) -> float:
    """Propagated through the decomposition; every fourth pixel along both axes stands for all."""
    region = total_hip(masses.femur >= config.edge_g_cm2, view.pixels, config.pixel_mm)
    some = np.zeros_like(region)
    some[::4, ::4] = region[::4, ::4]
    lean, fat, mineral = masses.lean[some], masses.fat[some], masses.mineral[some]
    signals = beams.through(lean, fat, mineral)
    share = fat / (lean + fat)
    at = calibration.mineral_at(signals, share)
    by_low = calibration.mineral_at(Signals(signals.low + NUDGE, signals.high), share) - at
    by_high = calibration.mineral_at(Signals(signals.low, signals.high + NUDGE), share) - at
    low, high = _deviations(config, signals)
    variance = ((by_low * low) ** 2 + (by_high * high) ** 2) / NUDGE**2
    return float(np.sqrt(variance.mean() / region.sum()) / mineral.mean())


def _mean(config: DxaConfig, femur: NDArray, view: View, placement: Placement = EXACT) -> float:
    bone = femur >= config.edge_g_cm2
    region = total_hip(bone, view.pixels, config.pixel_mm, placement)
    return float(femur[region].mean(dtype=float))


def _spread(up: float, down: float) -> float:
    """Standard deviation of a z + b (z^2 - 1) for a normal z, of which one deviation up and down is
    known: the linear part's square and twice the square of the bent part."""
    linear, bent = 0.5 * (up - down), 0.5 * (up + down)
    return float(np.sqrt(linear**2 + 2.0 * bent**2))
