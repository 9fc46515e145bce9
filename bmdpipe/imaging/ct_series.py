"""Which files of a folder are the CT: split into series by their headers, the axial one chosen."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.uid import (
    CTImageStorage,
    EnhancedCTImageStorage,
    LegacyConvertedEnhancedCTImageStorage,
)

from bmdpipe.core.config.imaging import ImagingConfig
from bmdpipe.core.errors import CaseError
from bmdpipe.imaging.dicom_file import DicomFile, read_header
from bmdpipe.imaging.elements import numbers, value, whole

TAGS = (
    *("SOPClassUID", "SOPInstanceUID", "Modality", "ImageType", "SeriesInstanceUID"),
    *("FrameOfReferenceUID", "SeriesNumber", "PatientID", "PatientName", "PatientBirthDate"),
    *("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness"),
    *("Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "BitsAllocated", "BitsStored"),
    *("HighBit", "PixelRepresentation", "PhotometricInterpretation", "PixelPaddingValue"),
    *("PixelPaddingRangeLimit", "RescaleSlope", "RescaleIntercept", "RescaleType", "KVP"),
    *("ConvolutionKernel", "ContrastBolusAgent", "LossyImageCompression"),
)
NOT_IMAGES = (
    ".txt",
    ".md",
    ".json",
    ".xml",
    ".html",
    ".csv",
    ".tsv",
    ".pdf",
    ".log",
    ".jpg",
    ".png",
)
ENHANCED = (EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage)


@dataclass(frozen=True)
class Series:
    """CT slices of one series, orientation, matrix and pixel spacing, in the files' order."""

    slices: tuple[DicomFile, ...]

    @property
    def header(self) -> Dataset:
        return self.slices[0].header

    @property
    def image_type(self) -> tuple[str, ...]:
        return image_type(self.header)

    def describe(self) -> str:
        """The technical facts of the series, without its free text."""
        header, kind = self.header, "/".join(self.image_type[:3])
        return (
            f"series {whole(header, 'SeriesNumber') or '?'} ({len(self.slices)} slices of "
            f"{whole(header, 'Columns')}x{whole(header, 'Rows')}, {kind}, "
            f"kernel {value(header, 'ConvolutionKernel') or '?'})"
        )


def find_series(folder: Path, case: str, config: ImagingConfig) -> Series:
    """The one CT series of a folder and its sub-folders.

    Localizers, dose sheets and everything but CT slices are dropped, and so are stacks of fewer
    than `min_slices`. Of several, an original axial one is taken if there is exactly one.
    Raises CaseError E_MISSING_FILE, E_NOT_DICOM, E_TRUNCATED, E_ENHANCED, E_MULTI_PATIENT,
    E_MISSING_SLICE, E_AMBIGUOUS_SERIES, E_LIMIT.
    """
    files = _headers(folder, case, config)
    images = [f for f in files if value(f.header, "SOPClassUID") in (CTImageStorage, *ENHANCED)]
    if not images:
        raise CaseError("E_MISSING_FILE", case, f"none of the {len(files)} files is a CT image")
    slices = [f for f in images if is_slice(f.header)]
    stacks = [s for s in _split(slices) if len(s.slices) >= config.min_slices]
    if not stacks:
        if any(value(f.header, "SOPClassUID") in ENHANCED for f in images):
            hint = "convert the multi-frame CT to single-frame slices"
            raise CaseError("E_ENHANCED", case, hint)
        hint = f"{len(slices)} CT slices that fit together are no volume"
        raise CaseError("E_MISSING_SLICE", case, hint)
    _check_patient(stacks, case)
    return _choose(stacks, case)


def is_slice(header: Dataset) -> bool:
    """Whether this is a single-frame slice and neither a localizer nor a picture of a report."""
    localizer = {"LOCALIZER", "SCOUT", "TOPOGRAM"} & set(image_type(header))
    return (
        value(header, "SOPClassUID") == CTImageStorage and value(header, "Modality") == "CT"
    ) and not localizer


def image_type(header: Dataset) -> tuple[str, ...]:
    found = value(header, "ImageType")
    return tuple(str(v).upper() for v in ([found] if isinstance(found, str) else found or ()))


def _headers(folder: Path, case: str, config: ImagingConfig) -> list[DicomFile]:
    if not folder.is_dir():
        raise CaseError("E_MISSING_FILE", case, "the CT folder does not exist")
    paths = sorted(
        Path(root) / name
        for root, _, names in os.walk(folder)
        for name in names
        if not name.startswith(".") and name.upper() != "DICOMDIR"
    )
    paths = [p for p in paths if p.suffix.lower() not in NOT_IMAGES]
    if not paths:
        raise CaseError("E_MISSING_FILE", case, "the CT folder holds no files")
    if len(paths) > config.max_files:
        raise CaseError("E_LIMIT", case, f"the CT folder holds {len(paths)} files")
    files = [read_header(p, case, TAGS, config.max_inflated_mib) for p in paths]
    for file in files:
        kind = value(file.header, "SOPClassUID")
        if not file.has_pixels and kind in (None, CTImageStorage):
            raise CaseError("E_TRUNCATED", case, f"{file.path.name} ends before its pixels")
    return files


def _split(slices: Iterable[DicomFile]) -> list[Series]:
    groups: dict[tuple, list[DicomFile]] = {}
    for file in slices:
        header = file.header
        orientation = numbers(header, "ImageOrientationPatient", 6) or ()
        spacing = numbers(header, "PixelSpacing", 2) or ()
        key = (
            str(value(header, "SeriesInstanceUID")),
            str(value(header, "FrameOfReferenceUID")),
            whole(header, "Rows"),
            whole(header, "Columns"),
            tuple(round(c, 2) + 0.0 for c in orientation),
            tuple(round(s, 3) for s in spacing),
        )
        groups.setdefault(key, []).append(file)
    return [Series(tuple(files)) for files in groups.values()]


def _choose(stacks: Sequence[Series], case: str) -> Series:
    left = list(stacks)
    for wanted in ("ORIGINAL", "AXIAL"):
        left = [s for s in left if wanted in s.image_type] or left
    if len(left) > 1:
        candidates = "; ".join(s.describe() for s in left)
        hint = f"leave one series in the CT folder, or name its own folder: {candidates}"
        raise CaseError("E_AMBIGUOUS_SERIES", case, hint)
    return left[0]


def _check_patient(stacks: Iterable[Series], case: str) -> None:
    """Refuse several identities in the CT's files; the message never names them."""
    keys = ("PatientID", "PatientName", "PatientBirthDate")
    patients = {
        tuple(str(value(f.header, k) or "") for k in keys) for s in stacks for f in s.slices
    }
    if len(patients) > 1:
        hint = f"the CT's files name {len(patients)} patients: separate them"
        raise CaseError("E_MULTI_PATIENT", case, hint)
