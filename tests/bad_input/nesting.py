"""A DICOM file with sequences inside of sequences, written by hand: writers refuse to."""

from __future__ import annotations

import struct

ENDLESS = 0xFFFFFFFF
PIXELS = b"\xe0\x7f\x10\x00"
START = struct.pack("<HH2sHL", 0x0008, 0x1140, b"SQ", 0, ENDLESS)
START += struct.pack("<HHL", 0xFFFE, 0xE000, ENDLESS)
END = struct.pack("<HHL", 0xFFFE, 0xE00D, 0) + struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)


def nested(content: bytes, depth: int) -> bytes:
    """The file with a sequence of this depth before its pixels (explicit VR, little endian)."""
    at = content.index(PIXELS)
    return content[:at] + START * depth + END * depth + content[at:]
