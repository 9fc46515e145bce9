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
from bmdpipe.segmentation.slabs import Heights


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
    `[n, class, y, x]`; `names` say the subject and slice of each.

    What is drawn for training begins at one of `starts` and is `together` slices long: one of a 2D
    network, a slab within one subject of a 3D one.
    """

    hu: torch.Tensor
    shares: torch.Tensor
    names: tuple[str, ...]
    starts: torch.Tensor
    together: int = 1

    def __len__(self) -> int:
        return len(self.starts)

    def slices_of(self, chosen: torch.Tensor) -> torch.Tensor:
        """The indices of the slices that `chosen` draws are made of, one draw after another."""
        return (self.starts[chosen][:, None] + torch.arange(self.together)).flatten()

    def joint(self) -> torch.Tensor:
        """Which draws show all classes `[draw]`."""
        seen = self.shares.amax(dim=(2, 3)) > 0
        every = torch.arange(len(self))
        return seen[self.slices_of(every)].view(len(self), self.together, -1).any(1).all(1)


def collect(subjects: Iterable[Annotated], config: SegmentationConfig) -> SliceSet:
    """The working slices of all subjects; raises ValueError if there is none, or if a CT is shorter
    than the slab of a 3D network."""
    network = config.network
    hu, shares = [], []
    names: list[str] = []
    starts: list[int] = []
    for annotated in subjects:
        grid = WorkingGrid.around(body_centre(annotated.ct), network)
        resampler = Resampler.between(annotated.ct, grid, torch.device("cpu"))
        heights = Heights.of(annotated.ct, network, training_step_mm(annotated.ct, config))
        if len(heights) < network.slab:
            raise ValueError(
                f"{annotated.subject}: the CT has {len(heights)} slices {network.slab_mm} mm "
                f"apart, and segmentation.network.slab asks for {network.slab}"
            )
        starts += range(len(names), len(names) + len(heights) - network.slab + 1)
        for own in heights.mean_over:
            used = np.flatnonzero(own)
            weights = torch.from_numpy(own[used])
            mean = np.tensordot(own[used], annotated.ct.array[used].astype(np.float32), axes=1)
            slices = resampler.slices(torch.from_numpy(mean))
            hu.append(slices.round().clamp(-1024, 32767).to(torch.int16))
            classes = torch.from_numpy(classes_of(annotated.labels.array[used]))
            found = resampler.shares(classes, len(CLASSES)) * 255
            found = torch.tensordot(weights, found, dims=1)
            shares.append(found.round().clamp(0, 255).to(torch.uint8))
        names += [f"{annotated.subject} slice {round(float(z))}" for z in heights.index]
    if not names:
        raise ValueError("there is no annotated subject to train on")
    return SliceSet(
        torch.stack(hu), torch.stack(shares), tuple(names), torch.tensor(starts), network.slab
    )


def training_step_mm(ct: Volume, config: SegmentationConfig) -> float:
    """How far apart the slices that a 2D network is trained on lie: whole slices of the CT, at
    least `slice_mm`."""
    spacing = ct.spacing_mm[2]
    return max(1, int(np.ceil(config.training.slice_mm / spacing - 1e-3))) * spacing


def _every(volume: Volume, step: int) -> Volume:
    sx, sy, sz = volume.spacing_mm
    return Volume(
        array=volume.array[::step],
        spacing_mm=(sx, sy, sz * step),
        origin_mm=volume.origin_mm,
        unit=volume.unit,
        direction=volume.direction,
    )
