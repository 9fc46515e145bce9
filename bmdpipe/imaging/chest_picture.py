"""Chest radiographs as the public sets and the virtual cohort store them, bone bright."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from bmdpipe.core.errors import CaseError
from bmdpipe.imaging.dicom_file import read_header, read_pixels

JSRT_PX = 2048
LARGEST_PX = 50_000_000
WEIGHTS = (0.299, 0.587, 0.114)
"""Of red, green and blue in grey (ITU-R BT.601)."""


def read_chest(path: Path, case: str) -> NDArray[np.float32]:
    """The picture `[y, x]` in its own grey values.

    `.dcm` is DICOM, `.img` the raw form of the JSRT set (2048 x 2048 big-endian 16-bit words that
    rise with the film's blackening, so bone is dark and is turned), all else a picture file.
    Raises CaseError E_MISSING_FILE, E_TRUNCATED, E_TOO_LARGE and those of `read_pixels`.
    """
    path = Path(path)
    if not path.is_file():
        raise CaseError("E_MISSING_FILE", case, f"{path.name} does not exist")
    kind = path.suffix.lower()
    if kind == ".img":
        return _raw(path, case)
    if kind == ".dcm":
        file = read_header(path, case)
        stored = read_pixels(file, case).astype(np.float32)
        inverted = str(getattr(file.header, "PhotometricInterpretation", "")) == "MONOCHROME1"
        return stored.max() - stored if inverted else stored
    return _picture(path, case)


def _raw(path: Path, case: str) -> NDArray[np.float32]:
    if path.stat().st_size != 2 * JSRT_PX**2:
        raise CaseError("E_PIXEL_LENGTH", case, f"{path.name} is not {JSRT_PX} x {JSRT_PX} words")
    stored = np.fromfile(path, dtype=">u2").reshape(JSRT_PX, JSRT_PX).astype(np.float32)
    return 4095.0 - stored


def _picture(path: Path, case: str) -> NDArray[np.float32]:
    try:
        with Image.open(path) as opened:
            if opened.width * opened.height > LARGEST_PX:
                raise CaseError("E_TOO_LARGE", case, "has more than 50 megapixels")
            deep = opened.mode.startswith("I") or opened.mode in ("L", "F")
            pixels = np.asarray(opened if deep else opened.convert("RGB"), dtype=np.float32)
    except (OSError, UnidentifiedImageError):
        raise CaseError("E_TRUNCATED", case, f"{path.name} is no whole picture") from None
    return pixels if pixels.ndim == 2 else pixels @ np.array(WEIGHTS, np.float32)
