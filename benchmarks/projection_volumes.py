"""The volumes of the projection benchmark, from the virtual anatomy: 400 x 300 x 300 voxels.

A whole body, bones and one femur, CT numbers + 1024 as int16, zero elsewhere. The body is drawn
at two thirds of its size across, so that it fills about 29 % of the volume as in the study that
the targets come from; bones (about 4 %) and the right femur (0.5 %) are at full size.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.config.virtual.cohort import VirtualConfig
from bmdpipe.core.config.virtual.ct import CtConfig
from bmdpipe.core.volume import Volume
from bmdpipe.virtual.ct.scanner import scan
from bmdpipe.virtual.hip.anatomy import build_anatomy

SIZE = (400, 300, 300)
SPACING_MM = (0.8, 0.8, 1.5)
AIR_HU, OFFSET_HU = -300, 1024
FEMUR = 2


def benchmark_volumes() -> dict[str, Volume]:
    shrunk, _ = _scanned(1.2)
    plain, labels = _scanned(0.8)
    return {
        "body": _volume(shrunk),
        "bones": _volume(np.where(labels > 0, plain, 0)),
        "femur": _volume(np.where(labels == FEMUR, plain, 0)),
    }


def _scanned(pixel_mm: float) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """The patient without phantom and table, and the labels, on the benchmark's grid."""
    nx, ny, nz = SIZE
    ct = CtConfig(
        matrix=nx,
        pixel_mm=pixel_mm,
        slice_mm=1.5,
        above_crest_mm=60,
        below_lesser_trochanter_mm=120,
    )
    config = VirtualConfig(seed=1, n_subjects=2, n_annotated=1, grid_mm=1.5, ct=ct)
    anatomy = build_anatomy(config, 1)
    acquired = scan(config, anatomy)
    back = int((anatomy.soft.back_mm - anatomy.grid.origin_mm[1]) / pixel_mm)
    values = np.where(acquired.hu.array > AIR_HU, acquired.hu.array + OFFSET_HU, 0)
    values[:, back - 1 :] = 0
    first = min(max(back - ny + 10, 0), nx - ny)
    result, labels = np.zeros((nz, ny, nx), np.int16), np.zeros((nz, ny, nx), np.uint8)
    slices = min(nz, len(values))
    top = (nz - slices) // 2
    result[top : top + slices] = values[:slices, first : first + ny]
    labels[top : top + slices] = acquired.labels.array[:slices, first : first + ny]
    return result, labels


def _volume(values: NDArray) -> Volume:
    x, y, z = (-0.5 * s * (n - 1) for s, n in zip(SPACING_MM, SIZE, strict=True))
    return Volume(values.astype(np.int16), SPACING_MM, (x, y, z), "HU + 1024")
