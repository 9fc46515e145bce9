"""A copy of a subject's DICOM files from which the patient cannot be told.

What is not named here does not get into the copy: an allowlist of technical elements, instead of a
list of dangerous ones that no vendor's private group keeps to. Identifiers of instances are
replaced by hashes, the same everywhere in one copy, so that series stay together.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataset import Dataset, FileDataset
from pydicom.uid import PYDICOM_IMPLEMENTATION_UID

from bmdpipe.core.atomic import atomic_path
from bmdpipe.core.errors import CaseError
from bmdpipe.imaging.ct_series import TAGS as CT_TAGS
from bmdpipe.imaging.dicom_file import read_header
from bmdpipe.imaging.elements import quiet

PROFILE = "bmdpipe allowlist 1"
"""Stricter than the Basic Profile of DICOM PS3.15 annex E, of whose options it takes none: no
dates, no device identity, no descriptions, no private elements, no structured content. Text that is
burned into the pixels stays there."""
UIDS = (
    *("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"),
    "MediaStorageSOPInstanceUID",
)
IDENTITY = ("PatientID", "PatientName", "PatientBirthDate")
FREE_TEXT = ("ContrastBolusAgent",)
"""Elements that the import looks at only to see whether they are there."""
RADIOGRAPH_TAGS = (
    *("ViewPosition", "BodyPartExamined", "ImageLaterality", "Laterality", "PatientOrientation"),
    *("ImagerPixelSpacing", "EstimatedRadiographicMagnificationFactor"),
    *("DistanceSourceToDetector", "DistanceSourceToPatient", "PixelIntensityRelationship"),
    *("PixelIntensityRelationshipSign", "PresentationLUTShape", "PresentationIntentType"),
    *("WindowCenter", "WindowWidth", "VOILUTFunction", "PlanarConfiguration"),
    *("CollimatorShape", "CollimatorLeftVerticalEdge", "CollimatorRightVerticalEdge"),
    *("CollimatorUpperHorizontalEdge", "CollimatorLowerHorizontalEdge"),
)
KEPT = frozenset({*CT_TAGS, *RADIOGRAPH_TAGS}) - {*IDENTITY, *UIDS, *FREE_TEXT}
TABLES = ("VOILUTSequence", "ModalityLUTSequence")
TABLE_ELEMENTS = ("LUTDescriptor", "LUTData")


def deidentified(source: Path, subject: str, secret: bytes) -> FileDataset:
    """A DICOM file without identity; `subject` is the code that stands in for the patient.

    `secret` keeps the hashes of the identifiers from being found by trying; it is not to be kept.
    Raises CaseError as `read_header` does.
    """
    read_header(source, subject)
    with quiet():
        original = pydicom.dcmread(source)
        copy = _kept(original, KEPT)
        for name in TABLES:
            if name in original:
                setattr(copy, name, [_kept(item, TABLE_ELEMENTS) for item in original[name].value])
        for name in UIDS:
            if name in original:
                setattr(copy, name, _hashed(str(original.get(name)), secret))
        if original.get("ContrastBolusAgent"):
            copy.ContrastBolusAgent = "CONTRAST"
        copy.PatientID = copy.PatientName = subject
        copy.PatientIdentityRemoved = "YES"
        copy.DeidentificationMethod = PROFILE
        if "PixelData" not in original:
            raise CaseError("E_TRUNCATED", subject, f"{source.name} has no pixel data")
        copy["PixelData"] = original["PixelData"]
        return _as_file(copy, original)


def deidentify_files(
    sources: Iterable[Path], folder: Path, subject: str, secret: bytes
) -> list[dict[str, Any]]:
    """Write copies named by number; returns what was kept of each, for the record."""
    record = []
    for number, source in enumerate(sorted(sources)):
        name = f"{number:05d}.dcm"
        copy = deidentified(source, subject, secret)
        with atomic_path(folder / name) as part:
            copy.save_as(part, enforce_file_format=True)
        record.append({"file": name, "elements": sorted(e.keyword for e in copy)})
    return record


def _kept(dataset: Dataset, names: Iterable[str]) -> Dataset:
    copy = Dataset()
    for name in names:
        if name in dataset:
            copy[name] = dataset[name]
    return copy


def _as_file(copy: Dataset, original: FileDataset) -> FileDataset:
    meta = pydicom.dataset.FileMetaDataset()
    meta.TransferSyntaxUID = original.file_meta.TransferSyntaxUID
    meta.MediaStorageSOPClassUID = copy.SOPClassUID
    meta.MediaStorageSOPInstanceUID = copy.SOPInstanceUID
    meta.ImplementationClassUID = PYDICOM_IMPLEMENTATION_UID
    file = FileDataset("", copy, file_meta=meta, preamble=b"\0" * 128)
    implicit, little = original.original_encoding
    file.set_original_encoding(implicit, little, original.original_character_set)
    return file


def _hashed(uid: str, secret: bytes) -> str:
    """A valid identifier (2.25 and 128 bits) that follows from the original and the secret."""
    number = int.from_bytes(hashlib.blake2b(uid.encode(), key=secret, digest_size=16).digest())
    return f"2.25.{number}"
