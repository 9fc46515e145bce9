"""Radiographs as a small file would hold them: fewer bits, JPEG (Gu 2023 §4.2.4, Fig. 8)."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

JPEG_BITS = 8


@dataclass(frozen=True)
class Compression:
    """`bits` grey levels' bits, stored without loss, or with `jpeg_quality` as a JPEG of 8 bits."""

    bits: int
    jpeg_quality: int | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.bits <= 16:
            raise ValueError(f"{self.bits} bits: 1 to 16 are possible")
        if self.jpeg_quality is not None and self.bits != JPEG_BITS:
            raise ValueError("a JPEG of 8 bits is meant: say bits=8")

    @property
    def name(self) -> str:
        return f"{self.bits} bit" if self.jpeg_quality is None else f"JPEG {self.jpeg_quality}"


def compress(image: NDArray[np.float32], how: Compression) -> tuple[NDArray[np.float32], int]:
    """The image `[h, w]` that is read back, in its own unit, and the file's size in bytes.

    The grey levels span the image's own range, as an export of a viewer does; a constant image
    comes back as it is. Without JPEG the file is a PNG.
    """
    low, high = float(image.min()), float(image.max())
    levels = 2**how.bits - 1
    step = (high - low) / levels if high > low else 1.0
    grey = np.rint((image - low) / step)
    file = io.BytesIO()
    if how.jpeg_quality is None:
        Image.fromarray(_stored(grey, how.bits)).save(file, "PNG")
    else:
        Image.fromarray(grey.astype(np.uint8)).save(file, "JPEG", quality=how.jpeg_quality)
        file.seek(0)
        with Image.open(file) as back:
            grey = np.asarray(back, dtype=np.float64)
    return (low + step * grey).astype(np.float32), file.getbuffer().nbytes


def _stored(grey: NDArray, bits: int) -> NDArray:
    """Whole bytes per pixel, the grey levels in the upper bits."""
    if bits <= 8:
        return (grey.astype(np.uint8) << (8 - bits)).astype(np.uint8)
    return (grey.astype(np.uint16) << (16 - bits)).astype(np.uint16)
