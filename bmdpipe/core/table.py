"""Reading a tab-separated table so that every fault is named by file, row and column."""

from __future__ import annotations

import csv
import difflib
import io
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bmdpipe.core.errors import UsageError

ID = re.compile(r"[A-Za-z0-9-]{1,64}")
SHOWN = 8
"""Problems that an error spells out; the rest is counted."""
SEPARATORS = {";": "semicolons", ",": "commas", "|": "bars"}
TABLE_LIMIT_BYTES = 64 * 2**20


@dataclass(frozen=True)
class TableRow:
    """The cells of one row by column; `number` is the line in the file, the header being 1."""

    file: str
    number: int
    cells: Mapping[str, str]


@dataclass
class Problems:
    """Faults of the tables, collected so that a user can mend them all at once."""

    found: list[str] = field(default_factory=list)

    def add(self, row: TableRow, column: str, text: str) -> None:
        self.found.append(f"{row.file} row {row.number}, column {column}: {text}")

    def stop_if_any(self) -> None:
        """Raise a UsageError of one line if anything was found."""
        if not self.found:
            return
        rest = len(self.found) - SHOWN
        more = f"; and {rest} more" if rest > 0 else ""
        raise UsageError(_one_line("; ".join(self.found[:SHOWN]) + more))


@dataclass(frozen=True)
class Cells:
    """The checked cells of one row; a fault is noted and a harmless value stands in for it."""

    row: TableRow
    folder: Path
    problems: Problems
    check_files: bool

    def text(self, column: str) -> str:
        return self.row.cells.get(column, "").strip()

    def fault(self, column: str, text: str) -> None:
        self.problems.add(self.row, column, text)

    def id(self, column: str) -> str:
        raw = self.row.cells[column]
        if raw != raw.strip():
            self.fault(column, f"'{raw}' has spaces around it")
        elif not ID.fullmatch(raw):
            self.fault(column, f"'{raw}' is no id: use 1 to 64 of A-Z, a-z, 0-9 and -")
        return raw.strip()

    def choice(self, column: str, choices: Sequence[str]) -> str:
        value = self.text(column)
        if value not in choices:
            self.fault(column, f"'{value}' is not one of {', '.join(choices)}")
            return choices[0]
        return value

    def number(self, column: str, bounds: tuple[float, float], needed: bool) -> float | None:
        raw, (low, high) = self.text(column), bounds
        if not raw:
            if needed:
                self.fault(column, "the value is missing")
            return None
        try:
            value = float(raw)
        except ValueError:
            hint = ": use a decimal point" if re.fullmatch(r"-?\d+,\d+", raw) else ""
            self.fault(column, f"'{raw}' is not a number{hint}")
            return None
        if not math.isfinite(value) or not low <= value <= high:
            hint = ": is it in thousandths of the unit?" if low <= value / 1000 <= high else ""
            self.fault(column, f"{raw} is not between {low:g} and {high:g}{hint}")
            return None
        return value

    def path(self, column: str, needed: bool = True) -> str | None:
        raw = self.text(column)
        if not raw:
            if needed:
                self.fault(column, "the path is missing")
            return None
        path = self.folder / raw
        try:
            found = not self.check_files or path.exists()
        except OSError:  # a link loop, or a name longer than the file system takes
            found = False
        if not found:
            self.fault(column, f"there is nothing at {path}")
        return str(path)


def read_table(
    path: Path, required: Sequence[str], optional: Sequence[str], problems: Problems
) -> list[TableRow]:
    """The rows of a UTF-8, tab-separated table; a byte-order mark, CRLF and blank lines are fine.

    Raises UsageError at once where no row can be read: no file, another encoding or separator, a
    missing, unknown or repeated column.
    """
    lines = list(csv.reader(io.StringIO(_text(path), newline=""), delimiter="\t"))
    if not lines or not any(lines[0]):
        raise UsageError(f"{path}: the first row must hold the column names")
    header = [name.strip() for name in lines[0]]
    _check_header(path, header, required, optional)
    rows = []
    for number, line in enumerate(lines[1:], start=2):
        if not any(cell.strip() for cell in line):
            continue
        row = TableRow(path.name, number, dict(zip(header, line, strict=False)))
        if len(line) != len(header):
            extra = f"the row has {len(line)} cells, the header has {len(header)}"
            problems.add(row, header[min(len(line), len(header) - 1)], extra)
        else:
            rows.append(row)
    return rows


def write_table(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> str:
    """The text of a table; a value with a tab or line end is refused with ValueError."""
    lines = ["\t".join(columns)]
    for row in rows:
        cells = [row[column] for column in columns]
        if any(set(cell) & set("\t\r\n") for cell in cells):
            raise ValueError(f"a table's cell cannot hold a tab or a line end: {cells}")
        lines.append("\t".join(cells))
    return "\n".join(lines) + "\n"


def nearest(name: str, known: Iterable[str]) -> str:
    """` (did you mean x?)` for the known name that resembles `name` most, or nothing."""
    close = difflib.get_close_matches(name.lower(), list(known), n=1, cutoff=0.5)
    return f" (did you mean '{close[0]}'?)" if close else ""


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > TABLE_LIMIT_BYTES:
            raise UsageError(f"{path} is too large for a cohort table")
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise UsageError(f"{path} is missing") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        row = error.object[: error.start].count(b"\n") + 1
        raise UsageError(f"{path.name} row {row}: not UTF-8; save the table as UTF-8") from None
    if "\0" in text:
        row = text[: text.index("\0")].count("\n") + 1
        raise UsageError(f"{path.name} row {row}: a zero byte; save the table as text")
    return text


def _check_header(
    path: Path, header: Sequence[str], required: Sequence[str], optional: Sequence[str]
) -> None:
    if len(header) == 1:
        for mark, name in SEPARATORS.items():
            if mark in header[0]:
                raise UsageError(
                    f"{path.name} row 1: the columns are separated by {name}; use tabs"
                )
    known = (*required, *optional)
    faults = [
        f"column '{name}' is unknown{nearest(name, set(known) - set(header))}"
        for name in header
        if name not in known
    ]
    faults += [f"column '{name}' is missing" for name in required if name not in header]
    faults += [f"column '{n}' stands twice" for n in sorted(set(header)) if header.count(n) > 1]
    if faults:
        raise UsageError(_one_line(f"{path.name} row 1: {'; '.join(faults)}"))


def _one_line(text: str) -> str:
    """A cell may hold line ends and other control characters; a message may not."""
    return "".join(c if c.isprintable() else "?" for c in text)
