"""A folder of pictures per class: read, brought to one size, near duplicates found.

Near duplicates: the perceptual hash of a picture is the sign of its 8x8 lowest cosine coefficients
about their median (Zauner 2010, pHash); of a picture and of its mirror image. Pictures whose
hashes differ in few bits, also through others in between, are one group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from scipy.fft import dctn
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from bmdpipe.core.errors import CaseError, UsageError

SUFFIXES = frozenset([".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"])
HASH_PX, LOW = 32, 8
LARGEST_PX = 50_000_000


@dataclass(frozen=True)
class Picture:
    """A file of a class; its name is class and file name, `label` the number of the class."""

    name: str
    label: int
    path: Path


def find_pictures(folder: Path) -> tuple[tuple[str, ...], list[Picture]]:
    """The classes, which are the names of the folders, and their pictures, in order.

    Raises UsageError if there are fewer than two classes or one is empty.
    """
    root = Path(folder)
    if not root.is_dir():
        raise UsageError(f"{root} does not exist: it holds a folder of pictures per class")
    classes = tuple(sorted(p.name for p in root.iterdir() if p.is_dir()))
    if len(classes) < 2:
        raise UsageError(f"{root} holds {len(classes)} class folders and needs two")
    found = []
    for label, name in enumerate(classes):
        files = sorted(p for p in (root / name).iterdir() if p.suffix.lower() in SUFFIXES)
        if not files:
            raise UsageError(f"{root / name} holds no picture")
        found += [Picture(f"{name}/{path.name}", label, path) for path in files]
    return classes, found


def read_picture(picture: Picture) -> Image.Image:
    """In grey. Raises CaseError E_TRUNCATED or E_TOO_LARGE."""
    try:
        with Image.open(picture.path) as opened:
            if opened.width * opened.height > LARGEST_PX:
                raise CaseError("E_TOO_LARGE", picture.name, "has more than 50 megapixels")
            return opened.convert("L")
    except (OSError, UnidentifiedImageError):
        raise CaseError("E_TRUNCATED", picture.name, "is no whole picture") from None


def fitted(image: Image.Image, size_px: tuple[int, int]) -> NDArray[np.float32]:
    """A picture `[h, w]` at a size, its sides kept in proportion and the rest filled with its
    darkest value, with a mean of 0 and a deviation of 1."""
    width, height = size_px
    scale = min(width / image.width, height / image.height)
    inner = max(round(image.width * scale), 1), max(round(image.height * scale), 1)
    pixels = np.asarray(image.resize(inner, Image.Resampling.BILINEAR), dtype=np.float32)
    canvas = np.full((height, width), pixels.min(), np.float32)
    top, left = (height - inner[1]) // 2, (width - inner[0]) // 2
    canvas[top : top + inner[1], left : left + inner[0]] = pixels
    return (canvas - canvas.mean()) / max(float(canvas.std()), 1e-6)


def perceptual_hash(image: Image.Image) -> NDArray[np.bool_]:
    """64 bits of a grey picture, after its dark border is cut."""
    small = _without_border(image).resize((HASH_PX, HASH_PX), Image.Resampling.LANCZOS)
    low = dctn(np.asarray(small, dtype=float), norm="ortho")[:LOW, :LOW].ravel()
    return low > np.median(low[1:])


def near_duplicates(images: Sequence[Image.Image], bits: int) -> NDArray[np.int64]:
    """The number of the group `[n]` that each picture belongs to."""
    hashes = np.array([perceptual_hash(image) for image in images])
    mirrored = np.array(
        [perceptual_hash(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)) for image in images]
    )
    alike = (_distance(hashes, hashes) <= bits) | (_distance(hashes, mirrored) <= bits)
    return connected_components(csr_array(alike), directed=False)[1].astype(np.int64)


def _distance(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> NDArray[np.int64]:
    return (a[:, None, :] != b[None, :, :]).sum(axis=2)


def _without_border(image: Image.Image) -> Image.Image:
    pixels = np.asarray(image)
    bright = pixels > 0.1 * pixels.max()
    rows, columns = np.flatnonzero(bright.any(axis=1)), np.flatnonzero(bright.any(axis=0))
    if not len(rows):
        return image
    return image.crop((int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1))
