"""A de-identified copy of a cohort: images, tables and the record of what was kept."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

from bmdpipe.core.atomic import write_json
from bmdpipe.core.cohort import Cohort, read_cohort, write_tables
from bmdpipe.core.errors import CaseError, UsageError

RECORD = "deidentification.json"


def deidentify(tables: Path, target: Path) -> Path:
    """Write a copy of the cohort whose tables lie in `tables`; returns the record's path.

    The tables' own subject codes are kept: they must be no identifiers. Label maps in NIfTI are
    copied as they are. Raises UsageError where the target is not empty, a CT is no folder of DICOM
    files, or a file cannot be copied.
    """
    from bmdpipe.imaging.deidentify import PROFILE

    cohort = read_cohort(tables)
    if target.exists() and any(target.iterdir()):
        raise UsageError(f"{target} is not empty")
    secret, record, subjects, radiographs = os.urandom(32), {}, [], []
    for row in cohort.subjects:
        folder = target / row.subject
        record[row.subject] = files = _copy(
            _files(Path(row.ct)), folder / "ct", row.subject, secret
        )
        labels = None
        if row.ct_labels:
            labels = str(folder / "".join(["labels", *Path(row.ct_labels).suffixes]))
            shutil.copyfile(row.ct_labels, labels)
        subjects.append(replace(row, ct=str(folder / "ct"), ct_labels=labels))
        for picture in cohort.radiographs_of(row.subject):
            place = folder / "radiographs" / picture.radiograph
            files += _copy([Path(picture.path)], place, row.subject, secret)
            radiographs.append(replace(picture, path=str(place / "00000.dcm")))
    write_tables(target, Cohort(tuple(subjects), tuple(radiographs)))
    write_json(target / RECORD, {"profile": PROFILE, "subjects": record})
    return target / RECORD


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder of DICOM files")
    return [path for path in folder.rglob("*") if path.is_file()]


def _copy(sources: list[Path], folder: Path, subject: str, secret: bytes) -> list:
    from bmdpipe.imaging.deidentify import deidentify_files

    try:
        return deidentify_files(sources, folder, subject, secret)
    except CaseError as error:
        raise UsageError(f"{error}; leave the subject out, or mend the file") from None
