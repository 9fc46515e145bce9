"""A prediction as DICOM: Secondary Captures that name no patient.

They belong to no study of an archive: whoever files them adds identity there, knowingly.
Source: DICOM PS3.3 A.8.1 (Secondary Capture), C.11.1 (Modality LUT: stored x slope = value).
"""

from __future__ import annotations

from pathlib import Path
from uuid import NAMESPACE_OID, uuid5

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, SecondaryCaptureImageStorage

from bmdpipe.core.atomic import atomic_path
from bmdpipe.core.image import Image

LEVELS = 65535
RESEARCH = "FOR RESEARCH ONLY, NOT A MEDICAL DEVICE"


def write_overview(path: Path, pixels: NDArray[np.uint8], case: str, digest: str) -> None:
    """Write a colour picture `[y, x, 3]`."""
    data = _new(case, digest, path.stem)
    data.PhotometricInterpretation, data.SamplesPerPixel, data.PlanarConfiguration = "RGB", 3, 0
    data.BurnedInAnnotation = "YES"
    data.SeriesDescription = "BMD overview"
    _save(path, data, pixels)


def write_projection(path: Path, projection: Image, case: str, side: str, digest: str) -> None:
    """Write a projection in 16 bits; the rescale slope brings it back to its unit."""
    data = _new(case, digest, path.stem)
    slope = float(f"{max(float(projection.array.max()), 1.0) / LEVELS:.8g}")
    stored = np.clip(np.rint(projection.array / slope), 0, LEVELS).astype(np.uint16)
    data.PhotometricInterpretation, data.SamplesPerPixel = "MONOCHROME2", 1
    data.BurnedInAnnotation = "NO"
    data.SeriesDescription = "Predicted projection of the proximal femur"
    data.RescaleSlope, data.RescaleIntercept, data.RescaleType = slope, 0, projection.unit
    data.Laterality = side
    sx, sy = projection.spacing_mm
    data.NominalScannedPixelSpacing = [round(sy, 6), round(sx, 6)]
    _save(path, data, stored)


def _new(case: str, digest: str, kind: str) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = _uid(digest, kind)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = _uid("implementation")
    data = FileDataset("", Dataset(), file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID = meta.MediaStorageSOPClassUID, _uid(digest, kind)
    data.StudyInstanceUID, data.SeriesInstanceUID = _uid(digest, "study"), _uid(digest, kind, "s")
    data.Modality, data.ConversionType = "OT", "WSD"
    data.ImageType = ["DERIVED", "SECONDARY"]
    data.PatientID = data.PatientName = case
    data.PatientIdentityRemoved = "YES"
    data.DeidentificationMethod = "nothing of the source's header is copied"
    for name in ("PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID"):
        setattr(data, name, "")
    data.AccessionNumber = data.ReferringPhysicianName = ""
    data.SeriesNumber = data.InstanceNumber = 1
    data.Manufacturer = "bmdpipe"
    data.ImageComments = RESEARCH
    return data


def _save(path: Path, data: FileDataset, pixels: NDArray) -> None:
    bits = 8 * pixels.itemsize
    data.Rows, data.Columns = pixels.shape[:2]
    data.BitsAllocated, data.BitsStored, data.HighBit = bits, bits, bits - 1
    data.PixelRepresentation = 0
    data.PixelData = np.ascontiguousarray(pixels).tobytes()
    with atomic_path(path) as part:
        data.save_as(part, enforce_file_format=True)


def _uid(*parts: str) -> UID:
    """A UID that follows from what it names: 2.25 and a name-based UUID (DICOM PS3.5 B.2)."""
    return UID(f"2.25.{uuid5(NAMESPACE_OID, '/'.join(['bmdpipe', 'bundle', *parts])).int}")
