"""What tells one virtual brain from another."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.config.virtual.brain import BrainConfig
from bmdpipe.virtual.demographics import stream

CUT = 2.2
"""Deviations are cut here, in standard deviations: what nobody would scan."""
WAVES = 9
COMMON = 2002
"""Seed of the sulci that all brains share; another one is another species."""


@dataclass(frozen=True)
class BrainTraits:
    """Sizes of one head. `axes` are factors on the head's semi-axes, `loss` the share of the
    hippocampus that is lost on the left and the right, `waves` directions and phases of the folds.
    """

    impaired: bool
    axes: NDArray[np.float64]
    ventricles: float
    loss: tuple[float, float]
    turn_deg: NDArray[np.float64]
    shift_mm: NDArray[np.float64]
    waves: NDArray[np.float64]
    phases: NDArray[np.float64]

    def with_loss(self, loss: float) -> BrainTraits:
        """The same head with another share lost on both sides."""
        return replace(self, loss=(loss, loss))


def draw_traits(config: BrainConfig, number: int) -> BrainTraits:
    """The traits of a case; nothing of another case plays in."""
    rng = stream(config.seed, number, "brain")

    def spread(n: int) -> NDArray[np.float64]:
        return np.clip(rng.standard_normal(n), -CUT, CUT)

    impaired = is_impaired(config, number)
    axes = 1 + config.size_sd * spread(3)
    ventricles = float(np.exp(config.ventricle_sd * spread(1)[0]))
    # Both sides share most of a disease: their deviations correlate by 3/4.
    deviation = np.sqrt(0.75) * spread(1) + np.sqrt(0.25) * spread(2)
    mean, sd = (config.atrophy, config.atrophy_sd) if impaired else (0.0, config.normal_loss_sd)
    left, right = np.clip(mean + sd * deviation, -0.3, 0.9)
    directions, phases = _common_folds()
    return BrainTraits(
        impaired=impaired,
        axes=axes,
        ventricles=ventricles,
        loss=(float(left), float(right)),
        turn_deg=config.turn_deg * spread(3),
        shift_mm=config.shift_mm * spread(3),
        waves=directions,
        phases=phases + config.fold_sd * spread(WAVES),
    )


def _common_folds() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The course of the sulci that all brains share: wave vectors and phases."""
    rng = np.random.default_rng(COMMON)
    directions = rng.standard_normal((WAVES, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return directions * rng.uniform(7.0, 13.0, (WAVES, 1)), rng.uniform(0, 2 * np.pi, WAVES)


def is_impaired(config: BrainConfig, number: int) -> bool:
    """The class of a case: any run of cases holds the fraction as nearly as can be."""
    share = config.impaired_fraction
    return int(number * share) > int((number - 1) * share)
