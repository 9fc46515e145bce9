"""What every DICOM file of a virtual subject has in its header: identity, UIDs, no person."""

from __future__ import annotations

from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

from bmdpipe.virtual.demographics import Person

UID_PREFIX = "1.2.826.0.1.3680043.8.498."
"""The root that pydicom offers for general use."""


def uid(seed: int, *parts: str | int) -> UID:
    """A UID that follows from the cohort's seed and what it names."""
    return generate_uid(UID_PREFIX, entropy_srcs=["bmdpipe", str(seed), *map(str, parts)])


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
