"""A cohort of CTs with known bone mineral density: its table, checked before anything is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bmdpipe.core.errors import CaseError, UsageError
from bmdpipe.core.files import CT_CASES
from bmdpipe.core.names import Target
from bmdpipe.pairs.case_table import file_beside, read_rows

VALUE_COLUMN: dict[Target, str] = {"dxa": "dxa_abmd_g_cm2", "qct": "qct_vbmd_mg_cm3"}
COLUMNS = ("case", "subject", "ct")
BODY, POSTERIOR = 1, 2
"""Labels of an annotation: the vertebral body, and all else of the same vertebra."""


@dataclass(frozen=True)
class CtCase:
    """A row of the table. `ct` is a folder of DICOM files or a NIfTI file; `annotation` labels the
    vertebra on the CT's grid and serves training, `truth` does so and serves evaluation alone."""

    case: str
    subject: str
    ct: Path
    annotation: Path | None
    truth: Path | None
    values: dict[Target, float | None]


def read_ct_cases(folder: Path) -> list[CtCase]:
    """Raises UsageError on a table that is missing or cannot be used."""
    path = Path(folder) / CT_CASES
    return [
        CtCase(
            row["case"],
            row["subject"],
            Path(folder) / row["ct"],
            file_beside(path, row, "annotation"),
            file_beside(path, row, "truth"),
            {target: _value(row, column, path) for target, column in VALUE_COLUMN.items()},
        )
        for row in read_rows(path, COLUMNS)
    ]


def check_present(case: CtCase) -> None:
    """Raises CaseError on a CT or an annotation that the table names and that is not there."""
    for path in (case.ct, case.annotation):
        if path is not None and not path.exists():
            raise CaseError("E_MISSING_FILE", case.case, f"{path} does not exist")


def _value(row: dict[str, str], column: str, path: Path) -> float | None:
    text = row.get(column, "").strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        raise UsageError(f"{path}: {column} of {row['case']} is no number: {text}") from None
    if not value > 0:
        raise UsageError(f"{path}: {column} of {row['case']} is not positive: {text}")
    return value
