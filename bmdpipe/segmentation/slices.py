"""The training set: annotated CTs as working slices in memory, read one volume at a time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch

from bmdpipe.core.config.segmentation import SegmentationConfig
from bmdpipe.core.volume import Volume
from bmdpipe.segmentation.classes import CLASSES, classes_of
from bmdpipe.segmentation.grid import Resampler, WorkingGrid, body_centre

CHUNK = 16


@dataclass(frozen=True)
class Annotated:
    """A subject's CT in HU and an expert's labels on the same grid."""

    subject: str
    ct: Volume
    labels: Volume

    def __post_init__(self) -> None:
        if self.ct.array.shape != self.labels.array.shape:
            raise ValueError(
                f"{self.subject}: labels of {self.labels.size} voxels do not fit "
                f"a CT of {self.ct.size}"
            )

    def every(self, step: int) -> Annotated:
        """Every `step`-th axial slice, as volumes with thicker slices (views)."""
        return Annotated(self.subject, _every(self.ct, step), _every(self.labels, step))


@dataclass(frozen=True)
class SliceSet:
    """`hu` int16 `[n, y, x]` and, per class but background, its share of the pixel in 1/255, uint8
    `[n, class, y, x]`; `names` say the subject and slice of each."""

    hu: torch.Tensor
    shares: torch.Tensor
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)


def collect(subjects: Iterable[Annotated], config: SegmentationConfig) -> SliceSet:
    """The working slices of all subjects; raises ValueError if there is none."""
    hu, shares, names = [], [], []
    for annotated in subjects:
        step = slice_step(annotated.ct, config.training.slice_mm)
        thinned = annotated.every(step)
        grid = WorkingGrid.around(body_centre(thinned.ct), config.network)
        resampler = Resampler.between(thinned.ct, grid, torch.device("cpu"))
        for start in range(0, thinned.ct.array.shape[0], CHUNK):
            part = slice(start, start + CHUNK)
            slices = resampler.slices(torch.from_numpy(thinned.ct.array[part].astype(np.float32)))
            hu.append(slices.round().clamp(-1024, 32767).to(torch.int16))
            own = torch.from_numpy(classes_of(thinned.labels.array[part]))
            found = resampler.shares(own, len(CLASSES)) * 255
            shares.append(found.round().clamp(0, 255).to(torch.uint8))
        names += [f"{annotated.subject} slice {z * step}" for z in range(len(thinned.ct.array))]
    if not names:
        raise ValueError("there is no annotated subject to train on")
    return SliceSet(torch.cat(hu), torch.cat(shares), tuple(names))


def slice_step(ct: Volume, slice_mm: float) -> int:
    """How many slices to step on for slices `slice_mm` apart, or a little more."""
    return max(1, int(np.ceil(slice_mm / ct.spacing_mm[2] - 1e-3)))


def _every(volume: Volume, step: int) -> Volume:
    sx, sy, sz = volume.spacing_mm
    return Volume(
        array=volume.array[::step],
        spacing_mm=(sx, sy, sz * step),
        origin_mm=volume.origin_mm,
        unit=volume.unit,
        direction=volume.direction,
    )
