"""What every DICOM file of a virtual subject has in its header: identity, UIDs, no person."""

from __future__ import annotations

from uuid import NAMESPACE_OID, uuid5

from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from bmdpipe.virtual.demographics import Person


def uid(seed: int, *parts: str | int) -> UID:
    """A UID that follows from the cohort's seed and what it names: 2.25 and a name-based UUID.

    Source: DICOM PS3.5 annex B.2.
    """
    name = "/".join(["bmdpipe", str(seed), *map(str, parts)])
    return UID(f"2.25.{uuid5(NAMESPACE_OID, name).int}")


def new_file(
    seed: int, subject: str, person: Person, sop_class: str, modality: str, instance: str
) -> FileDataset:
    """A file of a class with patient, study and series filled; `instance` names it uniquely."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(sop_class)
    meta.MediaStorageSOPInstanceUID = uid(seed, subject, modality, instance)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = uid(0, "implementation")
    data = FileDataset("", Dataset(), file_meta=meta, preamble=b"\0" * 128)
    data.SpecificCharacterSet = "ISO_IR 100"
    data.SOPClassUID = sop_class
    data.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    data.StudyInstanceUID = uid(seed, subject, modality, "study")
    data.SeriesInstanceUID = uid(seed, subject, modality, "series")
    data.FrameOfReferenceUID = uid(seed, subject, modality, "frame")
    data.Modality = modality
    data.Manufacturer = "bmdpipe virtual cohort"
    data.PatientID = subject
    data.PatientName = subject
    data.PatientBirthDate = ""
    data.PatientSex = person.sex
    data.PatientAge = f"{round(person.age_years):03d}Y"
    data.StudyDate = ""
    data.StudyTime = ""
    data.StudyID = "1"
    data.AccessionNumber = ""
    data.ReferringPhysicianName = ""
    data.SeriesNumber = 1
    return data
