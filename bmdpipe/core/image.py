"""A 2D image that never travels without its pixel spacing and unit."""

from __future__ import annotations

from dataclasses import dataclass, replace

from numpy.typing import NDArray


@dataclass(frozen=True)
class Image:
    """An image indexed `[y, x]`, rows downwards; `spacing_mm` is (x, y) at the detector."""

    array: NDArray
    spacing_mm: tuple[float, float]
    unit: str

    def __post_init__(self) -> None:
        if self.array.ndim != 2:
            raise ValueError(f"an image has two axes, not {self.array.ndim}")
        if min(self.spacing_mm) <= 0:
            raise ValueError(f"spacing must be positive, not {self.spacing_mm}")

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height."""
        height, width = self.array.shape
        return width, height

    def like(self, array: NDArray, unit: str) -> Image:
        """Another quantity on the same pixels."""
        if array.shape != self.array.shape:
            raise ValueError(f"shape {array.shape} does not fit {self.array.shape}")
        return replace(self, array=array, unit=unit)
