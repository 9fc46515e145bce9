"""One DICOM file, read with suspicion: header first, limits before decoding, every fault coded."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.errors import InvalidDicomError
from pydicom.pixels import pixel_array
from pydicom.uid import DeflatedExplicitVRLittleEndian

from bmdpipe.core.errors import CaseError
from bmdpipe.imaging.elements import BROKEN, number, quiet, value, whole
from bmdpipe.imaging.fragments import jpeg2000_size, walk

UNDEFINED_LENGTH = 0xFFFFFFFF
LONG_VR = (b"OB", b"OW", b"UN", b"OF", b"OD")
LOSSY_SYNTAXES = (
    "1.2.840.10008.1.2.4.50",  # JPEG baseline
    "1.2.840.10008.1.2.4.51",  # JPEG extended
    "1.2.840.10008.1.2.4.81",  # JPEG-LS near-lossless
)
"""Always lossy. JPEG 2000 (4.91) may be either: there the header's own flag counts."""


@dataclass(frozen=True)
class DicomFile:
    """A file's header; `pixel_bytes` is the stated length of its pixels (None: compressed)."""

    path: Path
    header: pydicom.Dataset
    syntax: str
    has_pixels: bool
    pixel_bytes: int | None
    pixel_start: int = 0

    @property
    def lossy(self) -> bool:
        flag = str(value(self.header, "LossyImageCompression") or "")
        return self.syntax in LOSSY_SYNTAXES or flag == "01"

    @property
    def pixels(self) -> int:
        """Rows x columns x frames, as the header states."""
        frames = whole(self.header, "NumberOfFrames") or 1
        return (whole(self.header, "Rows") or 0) * (whole(self.header, "Columns") or 0) * frames


def read_header(
    path: Path, case: str, tags: Sequence[str] | None = None, max_inflated_mib: float = 512
) -> DicomFile:
    """Read a file up to its pixels; with `tags`, only those elements are kept.

    Raises CaseError E_NOT_DICOM, E_TRUNCATED, E_TOO_LARGE (deflated), E_LIMIT, E_MISSING_FILE.
    """
    path = Path(path)
    try:
        with path.open("rb") as stream, quiet():
            _check_deflated(stream, case, path, max_inflated_mib)
            header = pydicom.dcmread(
                stream, stop_before_pixels=True, specific_tags=list(tags) if tags else None
            )
            syntax = str(header.file_meta.get("TransferSyntaxUID", ""))
            if syntax == DeflatedExplicitVRLittleEndian:
                return DicomFile(path, header, syntax, True, None)
            has_pixels, length = _pixel_head(stream, header.original_encoding)
            start = stream.tell()
    except InvalidDicomError:
        raise CaseError("E_NOT_DICOM", case, f"{path.name} is not a DICOM file") from None
    except RecursionError:
        raise CaseError("E_LIMIT", case, f"{path.name} nests its sequences too deep") from None
    except (EOFError, struct.error, zlib.error):
        raise CaseError("E_TRUNCATED", case, f"{path.name} ends in its header") from None
    except OSError as error:
        raise CaseError("E_MISSING_FILE", case, f"{path.name}: {error.strerror}") from None
    except BROKEN:
        raise CaseError("E_NOT_DICOM", case, f"{path.name} has a broken header") from None
    if start > path.stat().st_size:
        raise CaseError("E_TRUNCATED", case, f"{path.name} ends in its header")
    return DicomFile(path, header, syntax, has_pixels, length, start)


def read_pixels(file: DicomFile, case: str) -> NDArray:
    """The stored values `[y, x]` (or `[y, x, 3]`), decoded, without any scaling.

    Raises CaseError E_TRUNCATED, E_PIXEL_LENGTH, E_NO_DECODER.
    """
    name = file.path.name
    _check_length(file, case)
    try:
        with quiet():
            array = pixel_array(file.path, raw=True)
    except (RuntimeError, NotImplementedError) as error:
        if "missing dependencies" in str(error) or isinstance(error, NotImplementedError):
            syntax = pydicom.uid.UID(file.syntax).name
            hint = f"{name} is compressed as {syntax}: install pylibjpeg with a plugin for it"
            raise CaseError("E_NO_DECODER", case, hint) from None
        raise CaseError(
            "E_TRUNCATED", case, f"{name}: the compressed pixels do not decode"
        ) from None
    except (EOFError, struct.error, zlib.error):
        raise CaseError("E_TRUNCATED", case, f"{name} ends in its pixels") from None
    except BROKEN:
        hint = f"{name}: the pixels do not fit the size in the header"
        raise CaseError("E_PIXEL_LENGTH", case, hint) from None
    expected = (whole(file.header, "Rows"), whole(file.header, "Columns"))
    if array.shape[:2] != expected or array.ndim > 3 or (array.ndim == 3 and array.shape[2] != 3):
        hint = f"{name}: decoded to {array.shape}, the header says {expected}"
        raise CaseError("E_PIXEL_LENGTH", case, hint)
    return array


def padding_mask(header: pydicom.Dataset, stored: NDArray) -> NDArray[np.bool_] | None:
    """Where the stored values are padding (0028,0120 up to 0028,0121), or None without padding.

    The comparison is modulo the word, so that a padding value written with the wrong sign is found.
    """
    first = number(header, "PixelPaddingValue")
    if first is None:
        return None
    last = number(header, "PixelPaddingRangeLimit")
    low, high = sorted((int(first), int(first if last is None else last)))
    if low == high:
        word = 1 << (8 * stored.itemsize)
        mask = (stored.astype(np.int64) - low) % word == 0
    else:
        mask = (stored >= low) & (stored <= high)
    return mask if mask.any() else None


def _check_deflated(stream: BinaryIO, case: str, path: Path, limit_mib: float) -> None:
    """pydicom inflates the whole data set at once: measure it first, in pieces."""
    head = stream.read(2048)
    stream.seek(0)
    if DeflatedExplicitVRLittleEndian.encode() not in head:
        return
    with quiet():
        pydicom.filereader.read_preamble(stream, False)
        pydicom.filereader._read_file_meta_info(stream)
    inflater, total = zlib.decompressobj(-zlib.MAX_WBITS), 0
    while piece := stream.read(65536):
        while piece:
            total += len(inflater.decompress(piece, 2**20))
            piece = inflater.unconsumed_tail
            if total > limit_mib * 2**20:
                hint = f"{path.name} inflates to more than {limit_mib:g} MiB"
                raise CaseError("E_TOO_LARGE", case, hint)
    stream.seek(0)


def _pixel_head(
    stream: BinaryIO, encoding: tuple[bool | None, bool | None]
) -> tuple[bool, int | None]:
    """Whether the pixel element comes next, and its length; the stream stands just before it."""
    implicit, little = encoding
    head = stream.read(12)
    order = "<" if little else ">"
    if len(head) < 8 or struct.unpack(order + "HH", head[:4]) != (0x7FE0, 0x0010):
        return False, None
    if implicit:
        length = struct.unpack(order + "L", head[4:8])[0]
        stream.seek(-(len(head) - 8), 1)
    elif head[4:6] in LONG_VR and len(head) == 12:
        length = struct.unpack(order + "L", head[8:12])[0]
    else:
        return False, None
    return True, None if length == UNDEFINED_LENGTH else length


def _check_fragments(file: DicomFile, case: str) -> None:
    head = walk(file.path, file.pixel_start)
    if head is None:
        raise CaseError("E_TRUNCATED", case, f"{file.path.name} ends in its pixels")
    expected = (whole(file.header, "Rows"), whole(file.header, "Columns"))
    found = jpeg2000_size(head)
    if found is not None and found != expected:
        hint = f"{file.path.name}: the pixels are {found}, the header says {expected}"
        raise CaseError("E_PIXEL_LENGTH", case, hint)


def _check_length(file: DicomFile, case: str) -> None:
    name = file.path.name
    if not file.has_pixels:
        raise CaseError("E_TRUNCATED", case, f"{name} has no pixel data")
    if file.pixels == 0:
        raise CaseError("E_PIXEL_LENGTH", case, f"{name}: the header gives no image size")
    if file.pixel_bytes is None:
        if file.syntax != DeflatedExplicitVRLittleEndian:
            _check_fragments(file, case)
        return
    bits = whole(file.header, "BitsAllocated") or 0
    samples = whole(file.header, "SamplesPerPixel") or 1
    expected = (file.pixels * samples * bits + 7) // 8
    if expected == 0 or not expected <= file.pixel_bytes <= expected + 1:
        hint = f"{name}: {file.pixel_bytes} bytes of pixels, the header implies {expected}"
        raise CaseError("E_PIXEL_LENGTH", case, hint)
    if file.path.stat().st_size < file.pixel_start + file.pixel_bytes:
        raise CaseError("E_TRUNCATED", case, f"{name} ends in its pixels")
