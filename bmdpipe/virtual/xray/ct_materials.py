"""A CT's voxels as muscle, fat, bone mineral and metal: what a simulated radiograph is made of.

Piecewise linear in HU, as in Schneider et al. 1996, Phys Med Biol 41:111: thinned adipose tissue
below fat, mixtures of adipose tissue and muscle up to muscle, mineral in muscle above. Marrow's fat
counts as muscle, and contrast medium as mineral.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.volume import Volume
from bmdpipe.virtual.xray.materials import ADIPOSE, APATITE, MUSCLE, TITANIUM

AIR_HU = -1000.0
ADIPOSE_HU = -100.0
MUSCLE_HU = 50.0
"""HU at 120 kV of the materials of ICRU-44 (as in Schneider 1996, rounded)."""
METAL_HU = 2500.0
"""From here on a voxel is metal; no bone of a body reaches it."""
MG_PER_G = 1000.0
Curve = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def material_volumes(
    hu: Volume, inside: NDArray[np.bool_], mg_per_hu: float
) -> Iterator[tuple[str, Volume]]:
    """`(name, mg/cm3 as int16)` of `muscle`, `adipose`, `apatite`, and `titanium` if there is any.

    One at a time, because each is as large as the CT. `mg_per_hu` is the slope of the calibration,
    mg/cm3 of hydroxyapatite per HU.
    """
    for name, curve in curves(mg_per_hu).items():
        table = np.rint(curve(np.arange(-32768, 32768, dtype=np.float64))).astype(np.int16)
        values = np.zeros(hu.array.shape, np.int16)
        for plane, source, within in zip(values, hu.array, inside, strict=True):
            index = np.clip(np.rint(source), -32768, 32767).astype(np.int32) + 32768
            np.multiply(table[index], within, out=plane)
        if values.any():
            yield name, hu.like(values, "mg/cm3")


def curves(mg_per_hu: float) -> dict[str, Curve]:
    """Density in mg/cm3 as a function of HU."""
    muscle, adipose = (MG_PER_G * m.density for m in (MUSCLE, ADIPOSE))

    def share(hu: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.clip((hu - ADIPOSE_HU) / (MUSCLE_HU - ADIPOSE_HU), 0.0, 1.0)

    def thinned(hu: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.clip((hu - AIR_HU) / (ADIPOSE_HU - AIR_HU), 0.0, 1.0)

    return {
        "muscle": lambda hu: muscle * share(hu),
        "adipose": lambda hu: adipose * thinned(hu) * (1.0 - share(hu)),
        "apatite": lambda hu: np.where(
            hu < METAL_HU,
            np.clip(mg_per_hu * (hu - MUSCLE_HU), 0.0, MG_PER_G * APATITE.density),
            0.0,
        ),
        "titanium": lambda hu: np.where(hu < METAL_HU, 0.0, MG_PER_G * TITANIUM.density),
    }
