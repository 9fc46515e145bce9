"""From a radiograph's file to its hip images, cut as the pairs of the training were.

Nothing is registered to a plain radiograph, and nothing need be: the pairs' window follows from
the detector's area alone (halves, then the largest centred window; Gu 2023 §3.1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.cage import caged
from bmdpipe.core.config.imaging import ImagingConfig
from bmdpipe.core.errors import CaseError
from bmdpipe.geometry.camera import Camera
from bmdpipe.imaging.radiograph import Radiograph, read_radiograph
from bmdpipe.pairs.hip import HipWindow, area_of, hip_image, hip_window


@dataclass(frozen=True)
class Hip:
    """One hip's image `[h, w]` (attenuation) and the window that it was cut with."""

    side: str
    window: HipWindow
    image: NDArray[np.float32]


@dataclass(frozen=True)
class ReadRadiograph:
    """A radiograph with the hips that were asked for; `refused` are sides it cannot show."""

    case: str
    radiograph: Radiograph
    hips: tuple[Hip, ...]
    refused: tuple[CaseError, ...]


def read_hips(
    path: Path,
    case: str,
    sides: Sequence[str],
    size_px: tuple[int, int],
    canonical_side: bool,
    config: ImagingConfig,
) -> ReadRadiograph:
    """Read one file as the import does, in a process of its own, and cut its hips.

    Of several sides, one that the header rules out is put aside. Raises CaseError as
    `read_radiograph` does, and where no side is left.
    """
    found: dict[str, Radiograph] = {}
    refused: list[CaseError] = []
    for side in sides:
        try:
            found[side] = _read(path, case, side, config)
        except CaseError as error:
            if error.code != "E_SIDE_CONFLICT" or len(sides) == 1:
                raise
            refused.append(error)
    if not found:
        raise refused[0]
    radiograph = next(iter(found.values()))
    return ReadRadiograph(
        case, radiograph, _cut(radiograph, found, size_px, canonical_side), tuple(refused)
    )


def _read(path: Path, case: str, side: str, config: ImagingConfig) -> Radiograph:
    limits = config.max_memory_gib, config.max_minutes
    # The hints name the file as the user typed it; results name it by `case` alone.
    return caged(lambda: read_radiograph(Path(path), case, config, side), case, *limits)


def _cut(
    radiograph: Radiograph,
    sides: Mapping[str, Radiograph],
    size_px: tuple[int, int],
    canonical_side: bool,
) -> tuple[Hip, ...]:
    image = radiograph.image
    area = area_of(Camera.centred(radiograph.sdd_mm, image.spacing_mm, image.size_px))
    hips = []
    for side in sides:
        window = hip_window(area, side, size_px, canonical_side and side == "L")
        hips.append(Hip(side, window, hip_image(image, window)))
    return tuple(hips)
