"""Automatic exposure control: ionisation chambers behind the hips end the exposure.

The exposure index is that of IEC 62494-1: 100 times the air kerma at the detector in uGy of the
calibrating beam that gives the same signal.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from bmdpipe.virtual.xray.detector import response_to
from bmdpipe.virtual.xray.spectrum import Beam, filter_for, tube_beam

INDEX_PER_UGY = 100.0
CHAMBERS_MM = {"right": (-88.0, -20.0), "left": (88.0, -20.0), "centre": (0.0, 55.0)}
"""Middles of the chambers against that of the detector, by the patient's side (unverified)."""
CHAMBER_MM = 45.0
"""Width and height of a chamber (unverified)."""
RQR5 = (70.0, 2.58)
"""Tube voltage, kV, and half-value layer, mm of aluminium, of IEC 61267."""
RQA5_ADDED_MM = 21.0
"""Aluminium that makes RQA 5, the calibrating beam, of RQR 5."""


@dataclass(frozen=True)
class Technique:
    """How an exposure was made; `stopped` is True where the back-up timer ended it."""

    kvp: float
    mas: float
    kerma_ugy: float
    target_ugy: float
    stopped: bool

    @property
    def index(self) -> float:
        return INDEX_PER_UGY * self.kerma_ugy

    @property
    def deviation(self) -> float:
        return float(10.0 * np.log10(self.kerma_ugy / self.target_ugy))


@cache
def calibrating_beam() -> Beam:
    """RQA 5: what leaves 21 mm of aluminium behind a tube of 70 kV."""
    kvp, half_value_mm = RQR5
    tube = tube_beam(kvp, filter_for(kvp, half_value_mm))
    return tube.through_aluminium(RQA5_ADDED_MM)


@cache
def kev_per_ugy() -> float:
    """Detected energy per mm2 and uGy in the calibrating beam."""
    beam = calibrating_beam()
    signal = response_to(beam.energy_kev).signal
    return float((beam.fluence * signal).sum() / beam.air_kerma_ugy)


def exposed(
    energy_per_mas: NDArray[np.float32],
    pixel_mm: float,
    kvp: float,
    target_ugy: float,
    backup_mas: float,
    chambers: tuple[str, ...],
    error: float,
) -> Technique:
    """The tube load at which the mean of the chambers reaches the target, times 1 + `error`.

    `energy_per_mas` `[y, x]` is what a pixel detects per mAs, in keV.
    """
    means = [energy_per_mas[chamber(name, energy_per_mas.shape, pixel_mm)] for name in chambers]
    per_mm2 = float(np.mean([m.mean(dtype=np.float64) for m in means])) / pixel_mm**2
    ugy_per_mas = per_mm2 / kev_per_ugy()
    wanted = target_ugy * (1.0 + error) / ugy_per_mas
    mas = min(wanted, backup_mas)
    return Technique(kvp, mas, mas * ugy_per_mas, target_ugy, wanted > backup_mas)


def chamber(name: str, shape: tuple[int, ...], pixel_mm: float) -> tuple[slice, slice]:
    """Rows and columns of a chamber; the part of it that the detector has."""
    (x, y), half = CHAMBERS_MM[name], 0.5 * CHAMBER_MM
    height, width = shape[0], shape[1]
    column, row = 0.5 * width + x / pixel_mm, 0.5 * height + y / pixel_mm
    reach = half / pixel_mm
    return (
        slice(max(int(row - reach), 0), max(int(row + reach), 1)),
        slice(max(int(column - reach), 0), max(int(column + reach), 1)),
    )
