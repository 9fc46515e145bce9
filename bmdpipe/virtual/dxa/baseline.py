"""The soft-tissue baseline: fat share beside the bone, carried on under the bone.

Where fat lies unevenly, what is carried on is wrong, and so is the mineral: 1 g/cm2 more fat over
the bone than beside it takes away about 0.04 g/cm2. Tothill et al. 2014 (J Clin Densitom 17(1),
abstract read) put a hip's uncertainty from fat around and inside the bone at 0.06 g/cm2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, gaussian_filter, uniform_filter

from bmdpipe.virtual.dxa.decomposition import Calibration, Signals

REACH_MM = 6.0
"""Standard deviation of the weight with which soft tissue counts for a ray."""
CLEAR_MM = 3.0
"""Distance that soft tissue keeps from bone."""
COARSE_MM = 2.0
"""The baseline is smooth and is worked out on pixels of about this size."""
NOTHING = 1e-9
"""Weight of soft tissue that counts as none."""
THIN = 0.9
"""Attenuation at the higher voltage (about 5 cm of tissue) below which a ray misses the body."""


def mineral_picture(
    calibration: Calibration, signals: Signals, bone: NDArray[np.bool_], pixel_mm: float
) -> NDArray[np.float64]:
    """Mineral in g/cm2 over the soft-tissue baseline, `[h, w]`; 0 where the ray misses the body.

    `bone` is where the operator lets no soft tissue be looked for. Raises ValueError if there is
    none beside it.
    """
    body = signals.high > THIN
    mineral = calibration.mineral_at(signals, _baseline(calibration, signals, body, bone, pixel_mm))
    return np.where(body, mineral, 0.0)


def bone_of(mineral: NDArray, pixel_mm: float, edge_g_cm2: float) -> NDArray[np.bool_]:
    """Pixels at or above the edge's mineral, after smoothing over half a millimetre."""
    return gaussian_filter(mineral, 0.5 / pixel_mm) >= edge_g_cm2


def _baseline(
    calibration: Calibration,
    signals: Signals,
    body: NDArray[np.bool_],
    bone: NDArray[np.bool_],
    pixel_mm: float,
) -> NDArray[np.float64]:
    """Fat share of the soft tissue around, weighted by distance."""
    every = max(round(COARSE_MM / pixel_mm), 1)
    clear = ~binary_dilation(bone, iterations=max(round(CLEAR_MM / pixel_mm), 1)) & body
    if not clear.any():
        raise ValueError("no soft tissue beside the bone")
    known = uniform_filter(clear.astype(float), every)[::every, ::every]
    share = np.zeros(clear.shape)
    share[clear] = calibration.fat_share(Signals(signals.low[clear], signals.high[clear]))
    share = uniform_filter(share, every)[::every, ::every]
    sigma = REACH_MM / (pixel_mm * every)
    weight = gaussian_filter(known, sigma, mode="constant", truncate=10.0)
    total = gaussian_filter(share, sigma, mode="constant", truncate=10.0)
    # Far out in the air no soft tissue is near enough to count.
    coarse = np.divide(total, weight, out=np.zeros_like(total), where=weight > NOTHING)
    rows, columns = (np.arange(n) / every for n in body.shape)
    return _bilinear(coarse, rows, columns)


def _bilinear(picture: NDArray, rows: NDArray, columns: NDArray) -> NDArray[np.float64]:
    """Values between pixels, along both axes in turn."""
    known = np.arange(picture.shape[1])
    wide = np.stack([np.interp(columns, known, row) for row in picture])
    known = np.arange(picture.shape[0])
    return np.stack([np.interp(rows, known, column) for column in wide.T], axis=1)
