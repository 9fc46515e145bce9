"""Identifiers in the headers of every image of a cohort, and the search for them afterwards."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pydicom

from bmdpipe.core.provenance import digest
from tests.bad_input.cohorts import CANARY, name_patient

UID_ROOT = "1.2.826.0.1.7734."
UIDS = ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID")
BIRTH, DAY, TIME = "19330217", "20031127", "131719.271828"
DATES = ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate")
NEEDLES = (CANARY, UID_ROOT, BIRTH, DAY, TIME)


def plant(folder: Path) -> int:
    """Give every DICOM file below a folder a patient, a hospital, dates and identifiers, the same
    where they were the same; the number of files."""
    paths = sorted(folder.rglob("*.dcm"))
    for path in paths:
        data = pydicom.dcmread(path)
        name_patient(0, data)
        data.PatientName = f"{CANARY}^{data.PatientName}"
        data.PatientBirthDate, data.StudyTime = BIRTH, TIME
        for keyword in DATES:
            setattr(data, keyword, DAY)
        for keyword in UIDS:
            setattr(data, keyword, f"{UID_ROOT}{int(digest(data[keyword].value), 16)}")
        data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
        data.save_as(path)
    return len(paths)


def searched(root: Path, left_out: Path) -> Iterator[tuple[Path, list[str]]]:
    """Every file below a folder but one, with the identifiers that its name or content holds."""
    for path in root.rglob("*"):
        if path.is_file() and not path.is_symlink() and not path.is_relative_to(left_out):
            content = path.as_posix().encode() + b"\n" + b"\n".join(_contents(path))
            yield path, [needle for needle in NEEDLES if needle.encode() in content]


def _contents(path: Path) -> Iterator[bytes]:
    yield path.read_bytes()
    if path.suffix == ".gz":
        yield gzip.decompress(path.read_bytes())
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            yield from (archive.read(name) for name in archive.namelist())
