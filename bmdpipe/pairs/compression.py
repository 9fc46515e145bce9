"""Test radiographs with fewer bits or after JPEG, as they leave a hospital's archive.

Source: Gu 2023 §4.2.4 and Fig. 8, whose images are compressed at the size of the hip image.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture

from bmdpipe.pairs.mapped import ImageStack

BYTE = 255


@dataclass(frozen=True)
class Compression:
    """`bits` per pixel, or a JPEG `quality` of 1 to 100."""

    kind: Literal["bits", "jpeg"]
    setting: int


@dataclass(frozen=True)
class CompressedStack:
    """Radiographs `[n, h, w]` that are compressed and opened again when they are asked for."""

    whole: ImageStack
    compression: Compression

    @property
    def shape(self) -> tuple[int, ...]:
        return self.whole.shape

    def __len__(self) -> int:
        return len(self.whole)

    def __getitem__(self, chosen: NDArray[np.int64], /) -> NDArray[np.float32]:
        return np.stack([compressed(image, self.compression)[0] for image in self.whole[chosen]])


def compressed(image: NDArray[np.float32], how: Compression) -> tuple[NDArray[np.float32], int]:
    """An image `[h, w]` after compression, in its own unit, and the file's size in bytes.

    Grey values are counted over the image's own range. The bits of a picture with fewer than eight
    are packed, as a file of PNG's or DICOM's kind holds them, without further coding.
    """
    low, high = float(image.min()), float(image.max())
    span = high - low or 1.0
    share = (image - low) / span
    if how.kind == "bits":
        levels = 2**how.setting - 1
        grey, size = np.rint(share * levels) / levels, image.size * how.setting // 8
    else:
        stream = io.BytesIO()
        picture = Picture.fromarray(np.rint(share * BYTE).astype(np.uint8))
        picture.save(stream, format="JPEG", quality=how.setting)
        size = stream.tell()
        stream.seek(0)
        with Picture.open(stream) as opened:
            grey = np.asarray(opened, dtype=np.float64) / BYTE
    return (grey * span + low).astype(np.float32), size


def mean_size_kb(images: NDArray[np.float32], how: Compression) -> float:
    """Mean size of the compressed images `[n, h, w]`, thousands of bytes."""
    return float(np.mean([compressed(image, how)[1] for image in images])) / 1000
