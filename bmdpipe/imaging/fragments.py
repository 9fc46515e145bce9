"""Compressed pixels looked at before a decoder sees them: whole, and of the size they should be."""

from __future__ import annotations

import struct
from pathlib import Path

ITEM = 0xE000
END = 0xE0DD
HEAD_BYTES = 512
CODESTREAM = b"\xff\x4f\xff\x51"
"""Start of a JPEG 2000 codestream and its size marker."""


def walk(path: Path, start: int) -> bytes | None:
    """The first bytes of the first fragment of pixels that begin at `start`, little endian; None
    if the file ends before the sequence does."""
    size, first = path.stat().st_size, None
    with path.open("rb") as stream:
        stream.seek(start)
        for count in range(size):
            head = stream.read(8)
            if len(head) < 8:
                return None
            group, element, length = struct.unpack("<HHL", head)
            if group != 0xFFFE or element not in (ITEM, END):
                return None
            if element == END:
                return first or b""
            after = stream.tell() + length
            if after > size:
                return None
            if count > 0 and first is None:  # the first item is the table of offsets
                first = stream.read(min(length, HEAD_BYTES))
            stream.seek(after)
    return None


def jpeg2000_size(head: bytes) -> tuple[int, int] | None:
    """Rows and columns that a JPEG 2000 codestream itself states, or None for anything else."""
    at = head.find(CODESTREAM)
    if at < 0 or len(head) < at + 24:
        return None
    right, bottom, left, top = struct.unpack(">4L", head[at + 8 : at + 24])
    return bottom - top, right - left
