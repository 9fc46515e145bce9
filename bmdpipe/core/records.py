"""What a job says of its case: used or quarantined, with which warnings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bmdpipe.core.atomic import read_json, write_json
from bmdpipe.core.errors import CaseError, CaseWarning

RECORD = "record.json"


@dataclass(frozen=True)
class Refusal:
    """Why a case, or a part of it, is not used, and the stage that found out."""

    case: str
    stage: str
    code: str
    hint: str

    @classmethod
    def of(cls, error: CaseError, stage: str) -> Refusal:
        return cls(case=error.case, stage=stage, code=error.code, hint=error.hint)


@dataclass(frozen=True)
class Record:
    """The state that a per-case stage leaves in `record.json`.

    `refusal` is set when the whole case is quarantined; `parts` holds refusals of parts of it (one
    radiograph, one side) while the rest goes on.
    """

    stage: str
    case: str
    refusal: Refusal | None = None
    parts: tuple[Refusal, ...] = ()
    warnings: tuple[CaseWarning, ...] = field(default=())

    @property
    def ok(self) -> bool:
        return self.refusal is None


def write_record(folder: Path, record: Record) -> None:
    write_json(Path(folder) / RECORD, asdict(record))


def read_record(folder: Path) -> Record:
    raw = read_json(Path(folder) / RECORD)
    return Record(
        stage=raw["stage"],
        case=raw["case"],
        refusal=Refusal(**raw["refusal"]) if raw["refusal"] else None,
        parts=tuple(Refusal(**part) for part in raw["parts"]),
        warnings=tuple(CaseWarning(**warning) for warning in raw["warnings"]),
    )


def usable(folders: Iterable[Path]) -> list[Path]:
    """The folders whose case was not quarantined, in the given order."""
    return [Path(folder) for folder in folders if read_record(folder).ok]
