"""The two kinds of failure: a bad case, and a run that cannot start."""

from __future__ import annotations

from dataclasses import dataclass

from bmdpipe.core.codes import MEANING


class CaseError(Exception):
    """A case that cannot be used: raised where the fault is known, caught once at the boundary.

    `code` is one of `bmdpipe.core.codes.MEANING` and starts with `E_`; `case` names what is
    quarantined (a subject, `subject/radiograph` or `subject/side`); `hint` tells what to do.
    """

    def __init__(self, code: str, case: str, hint: str) -> None:
        if not code.startswith("E_") or code not in MEANING:
            raise ValueError(f"unknown error code {code!r}")
        super().__init__(f"{code} {case}: {hint}")
        self.code = code
        self.case = case
        self.hint = hint


class UsageError(Exception):
    """Something the user must mend before anything runs: one readable line, exit code 2."""


@dataclass(frozen=True)
class CaseWarning:
    """Something odd that does not stop a case; `code` starts with `W_`."""

    code: str
    text: str

    def __post_init__(self) -> None:
        if not self.code.startswith("W_") or self.code not in MEANING:
            raise ValueError(f"unknown warning code {self.code!r}")
