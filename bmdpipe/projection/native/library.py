"""The native core: found beside this file where a compiler built it, and spoken to with ctypes."""

from __future__ import annotations

import ctypes
import hashlib
import logging
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
SUFFIXES = (".cpp", ".hpp")
_log = logging.getLogger(__name__)


class Store(ctypes.Structure):
    """`bmd::Store` of core.hpp."""

    _fields_ = (
        ("values", ctypes.c_void_p),
        ("stride_a", ctypes.c_int64),
        ("stride_c", ctypes.c_int64),
        ("rows", ctypes.c_void_p),
        ("blocks", ctypes.c_void_p),
        ("rows_a", ctypes.c_int64),
        ("rows_c", ctypes.c_int64),
        *((name, ctypes.c_int32) for name in ("axis_a", "axis_b", "axis_c", "na", "nb", "nc")),
        ("is_float", ctypes.c_int32),
        ("shift", ctypes.c_int32),
    )


class Steps(ctypes.Structure):
    """`Steps` of core.cpp: a factored picture's steps in voxels, and its warp."""

    _fields_ = (
        ("along", ctypes.c_double),
        ("across", ctypes.c_double),
        ("cubic", ctypes.c_int),
    )


class Correlation(ctypes.Structure):
    """`bmd::Correlation` of core.hpp."""

    _fields_ = (
        ("smooth", ctypes.c_void_p),
        ("slope", ctypes.c_void_p),
        ("taps", ctypes.c_int),
        ("fixed", ctypes.c_void_p),
        ("weight", ctypes.c_void_p),
        ("width", ctypes.c_int),
        ("height", ctypes.c_int),
        ("total", ctypes.c_double),
    )


def sources_hash(folder: Path) -> str:
    """What the library was, or would be, built from."""
    total = hashlib.sha256()
    for path in sorted(p for p in folder.iterdir() if p.suffix in SUFFIXES):
        total.update(path.name.encode() + b"\0" + path.read_bytes())
    return total.hexdigest()[:16]


@cache
def library() -> ctypes.CDLL | None:
    """The library, or None where none was built or where it is older than its sources."""
    built = [p for p in FOLDER.glob("_core.*") if p.suffix in (".so", ".dylib")]
    for path in built:
        found = ctypes.CDLL(str(path))
        found.bmd_sources.restype = ctypes.c_char_p
        found.bmd_instruction_set.restype = ctypes.c_char_p
        if found.bmd_sources().decode() == sources_hash(FOLDER):
            _log.debug("native projection core: %s", found.bmd_instruction_set(0).decode())
            return found
        _log.warning("%s is older than its sources: install the package again", path.name)
    _log.debug("no native projection core: numba projects")
    return None
