"""One BMD from the folds' models: mean, interval, and the reasons not to trust it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bmdpipe.pairs.domain import right_like
from bmdpipe.report.bundle.files import Bundle, TargetLimits
from bmdpipe.report.bundle.members import Member, Opinion
from bmdpipe.report.bundle.reading import Hip

DISAGREE = "folds_disagree"
OUT_OF_RANGE = "outside_seen_bmd"
OUT_OF_DOMAIN = "out_of_domain"
COLUMNS = ("radiograph", "side", "target", "unit", "bmd_pred", "low", "high", "nominal", "flags")


@dataclass(frozen=True)
class Estimate:
    """BMD in `unit` with its interval (None where none is calibrated) and each fold's value."""

    target: str
    unit: str
    bmd: float
    low: float | None
    high: float | None
    nominal: float
    by_fold: tuple[float, ...]
    flags: tuple[str, ...]

    def row(self, case: str, side: str) -> dict[str, Any]:
        """A row of predictions.tsv by COLUMNS."""
        values = (
            case,
            side,
            self.target,
            self.unit,
            self.bmd,
            self.low,
            self.high,
            self.nominal,
            ",".join(self.flags),
        )
        return dict(zip(COLUMNS, values, strict=True))


@dataclass(frozen=True)
class HipEstimate:
    """All that a bundle says of one hip. `projection` `[h, w]` is the mean over folds, as the
    networks see the hip; `strange` names the image statistics outside their limits."""

    hip: Hip
    projection: NDArray[np.float32]
    estimates: tuple[Estimate, ...]
    statistics: Mapping[str, float]
    strange: tuple[str, ...]


def estimate_hip(
    hip: Hip, bundle: Bundle, members: Sequence[Member], device: torch.device
) -> HipEstimate:
    """Mean over the folds' models; the interval is the held-out errors' half-width about it.

    The half-width comes from errors of one fold's model each, while this is the mean of all, whose
    absolute error is on average no larger (Jensen). Its coverage is therefore not exact.
    """
    opinions = [member.opinion(hip.image, device) for member in members]
    looks = right_like(hip.image, hip.side, hip.window.mirrored)
    statistics = bundle.domain.statistics(looks, hip.window.width_mm)
    strange = bundle.domain.strange(statistics)
    estimates = tuple(
        combine(target, limits, opinions, bool(strange))
        for target, limits in bundle.targets.items()
    )
    projection = np.mean([opinion.projection for opinion in opinions], axis=0)
    return HipEstimate(hip, projection.astype(np.float32), estimates, statistics, strange)


def combine(
    target: str, limits: TargetLimits, opinions: Sequence[Opinion], strange: bool
) -> Estimate:
    """One target's estimate. A fold's own flag counts where at least half of the folds raise it."""
    values = [opinion.bmd[target] for opinion in opinions]
    bmd = float(np.mean(values))
    raised = [flag for opinion in opinions for flag in opinion.flags[target]]
    flags = [flag for flag in dict.fromkeys(raised) if 2 * raised.count(flag) >= len(opinions)]
    if (max(values) - min(values)) / 2 > limits.disagreement:
        flags.append(DISAGREE)
    if not limits.seen[0] <= bmd <= limits.seen[1]:
        flags.append(OUT_OF_RANGE)
    if strange:
        flags.append(OUT_OF_DOMAIN)
    half = limits.half_width
    return Estimate(
        target=target,
        unit=limits.unit,
        bmd=bmd,
        low=None if half is None else bmd - half,
        high=None if half is None else bmd + half,
        nominal=limits.nominal,
        by_fold=tuple(values),
        flags=tuple(flags),
    )
