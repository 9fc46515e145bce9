"""A 3D image that never travels without its geometry and unit."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Volume:
    """A volume in LPS millimetres.

    `array` is indexed `[z, y, x]`; `spacing_mm`, `origin_mm` and the columns of `direction` are in
    the order x, y, z, as in ITK and DICOM: the centre of voxel `(i, j, k)` along x, y, z lies at
    `origin_mm + direction @ (spacing_mm * (i, j, k))`.
    """

    array: NDArray
    spacing_mm: Triple
    origin_mm: Triple
    unit: str
    direction: NDArray[np.float64] = field(default_factory=lambda: np.eye(3))

    def __post_init__(self) -> None:
        if self.array.ndim != 3:
            raise ValueError(f"a volume has three axes, not {self.array.ndim}")
        if min(self.spacing_mm) <= 0:
            raise ValueError(f"spacing must be positive, not {self.spacing_mm}")

    @property
    def size(self) -> tuple[int, int, int]:
        """Voxels along x, y, z."""
        nz, ny, nx = self.array.shape
        return nx, ny, nz

    @property
    def voxel_mm3(self) -> float:
        return float(np.prod(self.spacing_mm))

    @property
    def world_from_index(self) -> NDArray[np.float64]:
        """4x4 matrix from voxel indices (x, y, z) to world millimetres."""
        matrix = np.eye(4)
        matrix[:3, :3] = self.direction * np.asarray(self.spacing_mm)
        matrix[:3, 3] = self.origin_mm
        return matrix

    def world_at(self, index_xyz: NDArray) -> NDArray[np.float64]:
        """World points `[..., 3]` of (fractional) voxel indices `[..., 3]` in x, y, z order."""
        matrix = self.world_from_index
        return np.asarray(index_xyz) @ matrix[:3, :3].T + matrix[:3, 3]

    def index_at(self, world_mm: NDArray) -> NDArray[np.float64]:
        """Fractional voxel indices `[..., 3]` (x, y, z) of world points `[..., 3]`."""
        matrix = np.linalg.inv(self.world_from_index)
        return np.asarray(world_mm) @ matrix[:3, :3].T + matrix[:3, 3]

    def like(self, array: NDArray, unit: str) -> Volume:
        """Another quantity on the same voxels."""
        if array.shape != self.array.shape:
            raise ValueError(f"shape {array.shape} does not fit the grid {self.array.shape}")
        return replace(self, array=array, unit=unit)

    def crop(self, z: slice, y: slice, x: slice) -> Volume:
        """The sub-volume of contiguous slices, with its own origin (a view)."""
        start = [s.indices(n)[0] for s, n in zip((x, y, z), self.size, strict=True)]
        origin = self.world_at(np.asarray(start))
        return replace(
            self,
            array=self.array[z, y, x],
            origin_mm=(float(origin[0]), float(origin[1]), float(origin[2])),
        )


def bounding_slices(mask: NDArray[np.bool_], margin: int = 0) -> tuple[slice, ...]:
    """The smallest box of slices that holds every true element, widened by `margin` voxels.

    Raises ValueError if the mask is empty.
    """
    slices = []
    for axis in range(mask.ndim):
        others = tuple(a for a in range(mask.ndim) if a != axis)
        hits = np.flatnonzero(mask.any(axis=others))
        if hits.size == 0:
            raise ValueError("the mask is empty")
        slices.append(
            slice(max(int(hits[0]) - margin, 0), min(int(hits[-1]) + 1 + margin, mask.shape[axis]))
        )
    return tuple(slices)
