"""How the cases of a virtual cohort are called: its prefix and a number."""

from __future__ import annotations


def case_name(prefix: str, number: int) -> str:
    return f"{prefix}{number:05d}"


def case_number(prefix: str, case: str) -> int:
    """Raises ValueError if the name is not one of the cohort's."""
    digits = case.removeprefix(prefix)
    if not digits.isdigit() or case != case_name(prefix, int(digits)):
        raise ValueError(f"{case!r} is no case of the virtual cohort {prefix!r}")
    return int(digits)
