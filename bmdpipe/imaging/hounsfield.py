"""Whether a CT's numbers are Hounsfield units, judged by its peaks of air, fat and muscle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from bmdpipe.core.errors import CaseError

BIN_HU = 4.0
EDGES = np.arange(-1502.0, 2002.0, BIN_HU)
AIR_HU = -1000.0
AIR_WINDOW = (-1200.0, -700.0)
FAT_WINDOW = (-180.0, -30.0)
MUSCLE_WINDOW = (-10.0, 140.0)
SOFT_WINDOW = (-250.0, 200.0)
MIN_AIR = 0.002
MIN_SOFT = 0.02
"""Least shares of the voxels: air around or in the body, and soft tissue."""


@dataclass(frozen=True)
class HuPeaks:
    """Modes of the histogram, HU; None where there is no peak of its own."""

    air: float | None
    fat: float | None
    muscle: float | None
    soft_share: float
    """Share of the voxels between -250 and 200 HU."""
    tissue_mode: float | None
    """The commonest value of all that is denser than air."""


def hu_peaks(hu: NDArray) -> HuPeaks:
    """The peaks of a volume in HU; values below -1500 (padding) do not count."""
    values = hu.reshape(-1)[:: max(hu.size // 8_000_000, 1)]
    counts, _ = np.histogram(values, EDGES)
    total = max(int(counts.sum()), 1)
    centres = (EDGES[:-1] + EDGES[1:]) / 2
    smooth = gaussian_filter1d(counts.astype(float), 2.0)
    air = _air_peak(centres, counts, values, MIN_AIR * total)
    tissue = centres > AIR_WINDOW[1]
    return HuPeaks(
        air=air,
        fat=_interior_peak(centres, smooth, FAT_WINDOW),
        muscle=_interior_peak(centres, smooth, MUSCLE_WINDOW),
        soft_share=float(counts[_within(centres, SOFT_WINDOW)].sum() / total),
        tissue_mode=float(centres[tissue][smooth[tissue].argmax()])
        if smooth[tissue].any()
        else None,
    )


def check_hu(peaks: HuPeaks, case: str, air_tolerance_hu: float) -> None:
    """Raises CaseError E_HU_SCALE if air or soft tissue does not lie where it must."""
    if peaks.air is None:
        raise CaseError("E_HU_SCALE", case, "no air near -1000 HU: check the rescale values")
    if abs(peaks.air - AIR_HU) > air_tolerance_hu:
        raise CaseError("E_HU_SCALE", case, f"air lies at {peaks.air:.0f} HU instead of -1000")
    mode = peaks.tissue_mode
    if peaks.soft_share < MIN_SOFT or mode is None:
        hint = f"{peaks.soft_share:.1%} of the voxels are soft tissue: no body is seen"
        raise CaseError("E_HU_SCALE", case, hint)
    if not FAT_WINDOW[0] <= mode <= MUSCLE_WINDOW[1]:
        hint = f"the commonest tissue has {mode:.0f} HU, which is neither fat nor muscle"
        raise CaseError("E_HU_SCALE", case, hint)


def _air_peak(centres: NDArray, counts: NDArray, values: NDArray, enough: float) -> float | None:
    """The mode of air. The lowest value of all is left out if other air is left: outside a round
    field of view and below the scale's end, voxels pile up there that were not measured."""
    bins = _within(centres, AIR_WINDOW)
    if counts[bins].sum() < enough:
        return None
    valid = values[values >= EDGES[0]]
    floor = valid.min()
    above = counts.copy()
    above[np.searchsorted(EDGES, floor, side="right") - 1] -= np.count_nonzero(valid == floor)
    used = above if above[bins].sum() >= enough else counts
    return float(centres[bins][used[bins].argmax()])


def _within(centres: NDArray, window: tuple[float, float]) -> NDArray[np.bool_]:
    return (centres >= window[0]) & (centres <= window[1])


def _interior_peak(centres: NDArray, smooth: NDArray, window: tuple[float, float]) -> float | None:
    """The highest local maximum inside the window; a slope at its border is none."""
    inside = np.flatnonzero(_within(centres, window))
    peaks = [i for i in inside if smooth[i] > 0 and smooth[i - 1] <= smooth[i] > smooth[i + 1]]
    return float(centres[max(peaks, key=lambda i: smooth[i])]) if peaks else None
