"""The cohort tables: who is in the cohort, and where the images lie.

Light on purpose: the workflow reads this file to know its jobs.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

from bmdpipe.core.atomic import write_text
from bmdpipe.core.errors import UsageError
from bmdpipe.core.names import POSITIONINGS
from bmdpipe.core.table import ID, Cells, Problems, TableRow, nearest, read_table, write_table

SUBJECTS = "subjects.tsv"
RADIOGRAPHS = "radiographs.tsv"
NO_PHANTOM = "none"
DATASETS = ("A", "B")

AGE_YEARS = (10.0, 115.0)
BMI = (8.0, 90.0)
ABMD_G_CM2 = (0.1, 2.5)
"""Plausible ranges. Gu 2023 Table 1 has 0.759 +- 0.151 g/cm2 for the hip; mg/cm2 falls outside."""


@dataclass(frozen=True)
class SubjectRow:
    """A subject of `subjects.tsv`. Paths are relative to the working folder or absolute.

    `ct_phantom` names the calibration phantom's model, or is `none`. `dxa_file` may name a JSON
    with `abmd_g_cm2` and `device` in place of the two DXA columns (a virtual cohort's DXA is not
    known before it is simulated). A subject of dataset A serves the first stage of training alone
    and needs no DXA; all others are of dataset B. Source: Gu 2023 §3.1. `ct_labels` are an
    expert's, to train on; `bone_labels` are taken in place of the network's segmentation;
    `landmarks` may name a folder of corrected femoral landmarks, `femur_r.mrk.json` and
    `femur_l.mrk.json`.
    """

    subject: str
    sex: str
    age_years: float
    bmi: float | None
    side: str
    ct: str
    ct_phantom: str
    dxa_abmd_g_cm2: float | None
    dxa_device: str | None
    ct_labels: str | None = None
    dxa_file: str | None = None
    dataset: str = "B"
    landmarks: str | None = None
    bone_labels: str | None = None


@dataclass(frozen=True)
class RadiographRow:
    """A radiograph of `radiographs.tsv`; `radiograph` is unique within its subject."""

    subject: str
    radiograph: str
    positioning: str
    path: str


SUBJECT_OPTIONAL = ("ct_labels", "dxa_file", "dataset", "landmarks", "bone_labels")
CT_COLUMNS = ("ct", "ct_phantom")
SUBJECT_COLUMNS = tuple(f.name for f in fields(SubjectRow) if f.name not in SUBJECT_OPTIONAL)
RADIOGRAPH_COLUMNS = tuple(f.name for f in fields(RadiographRow))


@dataclass(frozen=True)
class Cohort:
    """Validated subjects and their radiographs, in the tables' order."""

    subjects: tuple[SubjectRow, ...]
    radiographs: tuple[RadiographRow, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(row.subject for row in self.subjects)

    def subject(self, subject: str) -> SubjectRow:
        """Raises KeyError if the subject is not in the cohort."""
        return self._subject_by_id[subject]

    def radiographs_of(self, subject: str) -> tuple[RadiographRow, ...]:
        return self._radiographs_by_subject.get(subject, ())

    @cached_property
    def _subject_by_id(self) -> dict[str, SubjectRow]:
        return {row.subject: row for row in self.subjects}

    @cached_property
    def _radiographs_by_subject(self) -> dict[str, tuple[RadiographRow, ...]]:
        found: dict[str, list[RadiographRow]] = {}
        for row in self.radiographs:
            found.setdefault(row.subject, []).append(row)
        return {subject: tuple(rows) for subject, rows in found.items()}

    def to_json(self, subject: str) -> dict[str, Any]:
        """A job's row: `{"subject": {...}, "radiographs": [{...}, ...]}`."""
        return {
            "subject": asdict(self.subject(subject)),
            "radiographs": [asdict(row) for row in self.radiographs_of(subject)],
        }


def read_cohort(
    folder: Path, check_files: bool = True, ct_only: bool = False, ct_needed: bool = True
) -> Cohort:
    """Read and validate the two tables of a cohort folder; relative paths start there.

    With `ct_only` there is no table of radiographs, and no DXA is asked for. Without `ct_needed`
    the columns `ct` and `ct_phantom` may be left out or empty, which `ct` then is.
    Raises UsageError of one line that names file, row and column of the faults.
    """
    folder = Path(folder)
    problems = Problems()
    spared = () if ct_needed else CT_COLUMNS
    required = tuple(column for column in SUBJECT_COLUMNS if column not in spared)
    optional = (*SUBJECT_OPTIONAL, *spared)
    subjects = read_table(folder / SUBJECTS, required, optional, problems)
    if ct_only:
        return _cohort(
            subjects, [], folder, problems, check_files=check_files, dxa_needed=False, ct_only=True
        )
    radiographs = read_table(folder / RADIOGRAPHS, RADIOGRAPH_COLUMNS, (), problems)
    return _cohort(
        subjects, radiographs, folder, problems, check_files=check_files, ct_needed=ct_needed
    )


def cohort_from_rows(
    subjects: Iterable[Mapping[str, Any]], radiographs: Iterable[Mapping[str, Any]]
) -> Cohort:
    """A cohort whose files need not exist yet, from dictionaries keyed by the columns."""
    return _cohort(
        _table_rows("subjects", subjects, (*SUBJECT_COLUMNS, *SUBJECT_OPTIONAL)),
        _table_rows("radiographs", radiographs, RADIOGRAPH_COLUMNS),
        Path(),
        Problems(),
        check_files=False,
        dxa_needed=False,
    )


def write_tables(folder: Path, cohort: Cohort) -> None:
    """Write both tables; a relative path is rewritten to start at the tables' folder."""
    columns = [*SUBJECT_COLUMNS]
    defaults = {f.name: f.default for f in fields(SubjectRow)}
    columns += [
        c for c in SUBJECT_OPTIONAL if any(getattr(s, c) != defaults[c] for s in cohort.subjects)
    ]
    for name, names, rows in (
        (SUBJECTS, columns, cohort.subjects),
        (RADIOGRAPHS, [*RADIOGRAPH_COLUMNS], cohort.radiographs),
    ):
        cells = [{k: _written(folder, k, v) for k, v in asdict(row).items()} for row in rows]
        write_text(Path(folder) / name, write_table(names, cells))


PATHS = ("ct", "ct_labels", "bone_labels", "dxa_file", "landmarks", "path")


def _written(folder: Path, column: str, value: Any) -> str:
    text = _text(value)
    if column in PATHS and text and not Path(text).is_absolute():
        return os.path.relpath(text, folder)
    return text


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _table_rows(
    file: str, rows: Iterable[Mapping[str, Any]], columns: Sequence[str]
) -> list[TableRow]:
    result = []
    for number, row in enumerate(rows, start=1):
        unknown = sorted(set(row) - set(columns))
        if unknown:
            raise UsageError(f"{file} row {number}: '{unknown[0]}'{nearest(unknown[0], columns)}")
        result.append(TableRow(file, number, {c: _text(row.get(c)) for c in columns}))
    return result


def _cohort(
    subject_rows: Sequence[TableRow],
    radiograph_rows: Sequence[TableRow],
    folder: Path,
    problems: Problems,
    *,
    check_files: bool,
    dxa_needed: bool = True,
    ct_only: bool = False,
    ct_needed: bool = True,
) -> Cohort:
    subjects = [Cells(row, folder, problems, check_files) for row in subject_rows]
    radiographs = [Cells(row, folder, problems, check_files) for row in radiograph_rows]
    cohort = Cohort(
        tuple(_subject(cells, dxa_needed, ct_needed) for cells in subjects),
        tuple(_radiograph(cells) for cells in radiographs),
    )
    if not cohort.subjects:
        problems.found.append(f"{SUBJECTS}: there is no subject")
    _check_ids(subject_rows, "subject", (), problems)
    _check_ids(radiograph_rows, "radiograph", ("subject",), problems)
    if not ct_only:
        _check_references(subject_rows, radiograph_rows, problems)
    _check_shared([*subjects, *radiographs], problems)
    problems.stop_if_any()
    return cohort


def _subject(cells: Cells, dxa_needed: bool, ct_needed: bool) -> SubjectRow:
    dxa_file = cells.path("dxa_file", needed=False)
    dataset = cells.choice("dataset", DATASETS) if cells.text("dataset") else "B"
    abmd_needed = dxa_needed and not dxa_file and dataset == "B"
    age = cells.number("age_years", AGE_YEARS, needed=True)
    phantom = cells.text("ct_phantom") or ("" if ct_needed else NO_PHANTOM)
    if not ID.fullmatch(phantom):
        cells.fault("ct_phantom", f"name the phantom's model, or '{NO_PHANTOM}'")
    return SubjectRow(
        subject=cells.id("subject"),
        sex=cells.choice("sex", ("F", "M")),
        age_years=AGE_YEARS[0] if age is None else age,
        bmi=cells.number("bmi", BMI, needed=False),
        side=cells.choice("side", ("L", "R")),
        ct=cells.path("ct", ct_needed) or "",
        ct_phantom=phantom,
        dxa_abmd_g_cm2=cells.number("dxa_abmd_g_cm2", ABMD_G_CM2, abmd_needed),
        dxa_device=cells.text("dxa_device") or None,
        ct_labels=cells.path("ct_labels", needed=False),
        dxa_file=dxa_file,
        dataset=dataset,
        landmarks=cells.path("landmarks", needed=False),
        bone_labels=cells.path("bone_labels", needed=False),
    )


def _radiograph(cells: Cells) -> RadiographRow:
    return RadiographRow(
        subject=cells.id("subject"),
        radiograph=cells.id("radiograph"),
        positioning=cells.choice("positioning", POSITIONINGS),
        path=cells.path("path") or "",
    )


def _check_ids(
    rows: Sequence[TableRow], column: str, within: Sequence[str], problems: Problems
) -> None:
    """Ids must differ even for a spreadsheet (12, 012, 12.0) and for a file system without case."""
    seen: dict[tuple[str, ...], TableRow] = {}
    for row in rows:
        key = tuple(_same(row.cells[name]) for name in (*within, column))
        if key in seen:
            first = seen[key]
            other = f"'{first.cells[column]}' of row {first.number}"
            problems.add(row, column, f"'{row.cells[column]}' is the same id as {other}")
        else:
            seen[key] = row


def _same(raw: str) -> str:
    text = raw.strip().lower()
    return f"{float(text):.17g}" if re.fullmatch(r"\d+(\.0*)?", text) else text


def _check_references(
    subjects: Sequence[TableRow], radiographs: Sequence[TableRow], problems: Problems
) -> None:
    known = {row.cells["subject"].strip() for row in subjects}
    pictured = {row.cells["subject"].strip() for row in radiographs}
    for row in radiographs:
        name = row.cells["subject"].strip()
        if name not in known:
            problems.add(row, "subject", f"'{name}' is not in {SUBJECTS}{nearest(name, known)}")
    for row in subjects:
        if row.cells["subject"].strip() not in pictured:
            problems.add(row, "subject", f"the subject has no row in {RADIOGRAPHS}")


def _check_shared(rows: Sequence[Cells], problems: Problems) -> None:
    """No file may serve twice: one patient under two codes would stand in train and test."""
    seen: dict[str, TableRow] = {}
    for cells in rows:
        for column in PATHS:
            if not cells.text(column):
                continue
            real = os.path.realpath(cells.folder / cells.text(column))
            if real in seen:
                first = seen[real]
                text = f"the same file as in {first.file} row {first.number}"
                problems.add(cells.row, column, text)
            else:
                seen[real] = cells.row
