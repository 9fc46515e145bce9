"""A virtual CT as DICOM files, written slice by slice, its files in no order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import FileDataset
from pydicom.uid import CTImageStorage
from pydicom.valuerep import DSfloat

from bmdpipe.core.config.virtual.cohort import VirtualConfig
from bmdpipe.virtual.ct.scanner import Session
from bmdpipe.virtual.demographics import Person, stream
from bmdpipe.virtual.dicom_header import new_file, uid

RESCALE_INTERCEPT = -1024
PADDING = -2000
"""Stored value outside the reconstruction circle, as GE's scanners write it."""
FIRST_SCAN, BETWEEN_SCANS = time(9, 10), timedelta(minutes=35)
ROTATION_S = 0.8
SOURCE_TO_DETECTOR_MM, SOURCE_TO_AXIS_MM, COLLECTION_MM = 949.0, 541.0, 500.0
"""Of GE's LightSpeed line, to which the Optima CT660 belongs (unverified)."""


@dataclass(frozen=True)
class CtWriter:
    """Writes slices of one scan; only ImagePositionPatient tells their order."""

    folder: Path
    config: VirtualConfig
    subject: str
    person: Person
    session: Session
    template: FileDataset
    names: NDArray[np.int64]
    outside: NDArray[np.bool_] | None

    @staticmethod
    def into(
        folder: Path, config: VirtualConfig, subject: str, person: Person, session: Session
    ) -> CtWriter:
        folder.mkdir(parents=True)
        rng = stream(config.seed, person.number, "ct files")
        names = rng.permutation(session.grid.size[2]) + 1
        template = _header(config, subject, person, session)
        outside = None
        if config.ct.outside_circle != "kept":
            offset = np.arange(config.ct.matrix) - 0.5 * (config.ct.matrix - 1)
            outside = np.hypot(offset, offset[:, None]) > 0.5 * config.ct.matrix
        return CtWriter(folder, config, subject, person, session, template, names, outside)

    def write(self, k: int, hu: NDArray[np.int16]) -> None:
        """One slice; `k` counts from below."""
        data, grid = self.template, self.session.grid
        n, (x, y, z) = grid.size[2], grid.origin_mm
        data.SOPInstanceUID = uid(self.config.seed, self.subject, "CT", f"slice {k}")
        data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
        # The table moves so that a patient's head, or feet, pass the gantry first.
        data.InstanceNumber = k + 1 if self.session.feet_first else n - k
        position = round(z + k * grid.spacing_mm[2], 4)
        data.ImagePositionPatient = [x, y, position]
        data.SliceLocation = position
        stored = hu - np.int16(RESCALE_INTERCEPT)
        if self.outside is not None:
            padded = self.config.ct.outside_circle == "padding"
            stored[self.outside] = PADDING if padded else 0
        data.PixelData = stored.tobytes()
        data.save_as(self.folder / f"IM{self.names[k]:05d}.dcm", enforce_file_format=True)


def _header(config: VirtualConfig, subject: str, person: Person, session: Session) -> FileDataset:
    """All elements that the slices share."""
    ct, grid = config.ct, session.grid
    spacing = grid.spacing_mm
    data = new_file(config.seed, subject, person, CTImageStorage, "CT", "slice")
    data.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    begin = datetime.combine(session.day, FIRST_SCAN)
    begin += ((person.number - 1) % ct.subjects_per_day) * BETWEEN_SCANS
    for event in ("Study", "Series", "Acquisition", "Content"):
        setattr(data, f"{event}Date", begin.strftime("%Y%m%d"))
        setattr(data, f"{event}Time", begin.strftime("%H%M%S"))
    data.ManufacturerModelName = "virtual CT"
    data.StationName = "CT1"
    data.BodyPartExamined = "HIP"
    data.StudyDescription = "CT HIP WITH PHANTOM"
    data.SeriesDescription = f"HIP {_decimal(ct.thickness_mm)} mm {ct.kernel}"
    data.ProtocolName = "HIP QCT"
    data.PatientPosition = "FFS" if session.feet_first else "HFS"
    data.ScanOptions = "HELICAL MODE"
    data.KVP = _decimal(ct.kvp)
    data.ExposureTime = round(1000 * ROTATION_S)
    data.XRayTubeCurrent = round(session.mas / ROTATION_S)
    data.Exposure = round(session.mas)
    data.RevolutionTime = ROTATION_S
    data.FilterType = "BODY FILTER"
    data.ConvolutionKernel = ct.kernel
    data.SliceThickness = _decimal(ct.thickness_mm)
    data.SpacingBetweenSlices = _decimal(spacing[2])
    data.DataCollectionDiameter = _decimal(COLLECTION_MM)
    data.ReconstructionDiameter = _decimal(ct.matrix * ct.pixel_mm)
    data.DistanceSourceToDetector = _decimal(SOURCE_TO_DETECTOR_MM)
    data.DistanceSourceToPatient = _decimal(SOURCE_TO_AXIS_MM)
    data.GantryDetectorTilt = _decimal(0.0)
    table = session.couch.centre_mm[1] + session.couch.table_top_mm - session.isocentre_mm[1]
    data.TableHeight = _decimal(float(table))
    data.RotationDirection = "CW"
    data.PositionReferenceIndicator = ""
    data.AcquisitionNumber = 1
    data.SamplesPerPixel = 1
    data.PhotometricInterpretation = "MONOCHROME2"
    data.Rows = data.Columns = ct.matrix
    data.PixelSpacing = [_decimal(spacing[1]), _decimal(spacing[0])]
    data.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, 16, 15
    data.PixelRepresentation = 1
    if ct.outside_circle == "padding":
        data.PixelPaddingValue = PADDING
    data.RescaleIntercept = RESCALE_INTERCEPT
    data.RescaleSlope = 1
    data.RescaleType = "HU"
    data.WindowCenter, data.WindowWidth = 100, 700
    return data


def _decimal(value: float) -> DSfloat:
    """A number in at most the 16 characters of a decimal string."""
    return DSfloat(round(value, 6))
