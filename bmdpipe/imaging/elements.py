"""Elements of a DICOM header, read without trust: what cannot be used counts as absent."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pydicom
from pydicom.errors import BytesLengthException

BROKEN = (
    BytesLengthException,
    ValueError,
    TypeError,
    OverflowError,
    AttributeError,
    KeyError,
    IndexError,
    NotImplementedError,
)
"""What pydicom raises on elements that make no sense."""


@contextmanager
def quiet() -> Iterator[None]:
    """pydicom tells of oddities, with the values that it found, which may name a patient; they are
    judged here, and nothing of them reaches a log."""
    teller = logging.getLogger("pydicom")
    level = teller.level
    teller.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        teller.setLevel(level)


def value(header: pydicom.Dataset, keyword: str) -> Any:
    """An element's value, None where it is absent, empty or not readable."""
    try:
        with quiet():
            found = header.get(keyword)
    except BROKEN:
        return None
    return None if found is None or found == "" else found


def number(header: pydicom.Dataset, keyword: str) -> float | None:
    """A finite number, None where the element is absent, unreadable, NaN or a list."""
    found = value(header, keyword)
    try:
        result = float(found)
    except (ValueError, TypeError, OverflowError):
        return None
    return result if math.isfinite(result) else None


def numbers(header: pydicom.Dataset, keyword: str, count: int) -> tuple[float, ...] | None:
    """Exactly `count` finite numbers, or None."""
    found = value(header, keyword)
    try:
        result = tuple(float(item) for item in found)
    except (ValueError, TypeError, OverflowError):
        return None
    return result if len(result) == count and all(map(math.isfinite, result)) else None


def whole(header: pydicom.Dataset, keyword: str) -> int | None:
    """A positive whole number, or None."""
    found = number(header, keyword)
    return int(found) if found is not None and found >= 1 else None


def stored_bits(header: pydicom.Dataset) -> int:
    return whole(header, "BitsStored") or whole(header, "BitsAllocated") or 16
