"""How numbers are printed on the pages."""

from __future__ import annotations

from typing import Any


def number(value: Any, digits: int | None = None) -> str:
    """A number for a table: fixed `digits`, or about three significant ones; a dash for nothing."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, int | float):
        return str(value)
    if digits is None and 0 < abs(value) < 0.1:
        text = f"{value:.3g}"
    else:
        digits = _digits(value) if digits is None else digits
        text = f"{value:.{digits}f}"
    return text.replace("-", "\N{MINUS SIGN}")


def duration(seconds: float) -> str:
    """Seconds in the unit that reads best."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h"


def unit_text(unit: str) -> str:
    """A unit with its exponents raised: g/cm² for g/cm2."""
    return unit.replace("cm2", "cm²").replace("cm3", "cm³").replace("mm2", "mm²")


def _digits(value: float) -> int:
    if isinstance(value, int):
        return 0
    size = abs(value)
    for limit, digits in ((100.0, 0), (10.0, 1), (1.0, 2)):
        if size >= limit:
            return digits
    return 3
