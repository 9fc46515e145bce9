"""A virtual CT as a DICOM series, its files in no order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom.uid import CTImageStorage

from bmdpipe.core.config.virtual.cohort import VirtualConfig
from bmdpipe.virtual.ct.scanner import Scan
from bmdpipe.virtual.demographics import Person, stream
from bmdpipe.virtual.dicom_header import new_file

RESCALE_INTERCEPT = -1024


def write_ct(folder: Path, config: VirtualConfig, subject: str, person: Person, scan: Scan) -> None:
    """One file per slice; only ImagePositionPatient tells the order."""
    folder.mkdir(parents=True)
    rng = stream(config.seed, person.number, "ct files")
    volume = scan.hu
    stored = (volume.array - RESCALE_INTERCEPT).astype(np.uint16)
    names = rng.permutation(len(stored)) + 1
    x, y, z = volume.origin_mm
    sx, sy, sz = volume.spacing_mm
    data = new_file(config.seed, subject, person, CTImageStorage, "CT", "slice")
    data.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    data.BodyPartExamined = "HIP"
    data.SeriesDescription = "HIP CT"
    data.PatientPosition = "FFS" if scan.feet_first else "HFS"
    data.KVP = config.ct.kvp
    data.ConvolutionKernel = config.ct.kernel
    data.SliceThickness = sz
    data.SpacingBetweenSlices = sz
    data.GantryDetectorTilt = 0
    data.PositionReferenceIndicator = ""
    data.AcquisitionNumber = 1
    data.SamplesPerPixel = 1
    data.PhotometricInterpretation = "MONOCHROME2"
    data.Rows, data.Columns = stored.shape[1:]
    data.PixelSpacing = [sy, sx]
    data.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, 12, 11
    data.PixelRepresentation = 0
    data.RescaleIntercept = RESCALE_INTERCEPT
    data.RescaleSlope = 1
    data.RescaleType = "HU"
    data.WindowCenter, data.WindowWidth = 100, 700
    for k, (pixels, name) in enumerate(zip(stored, names, strict=True)):
        own = new_file(config.seed, subject, person, CTImageStorage, "CT", f"slice {k}")
        data.file_meta.MediaStorageSOPInstanceUID = own.SOPInstanceUID
        data.SOPInstanceUID = own.SOPInstanceUID
        data.InstanceNumber = len(stored) - k
        position = round(z + k * sz, 4)
        data.ImagePositionPatient = [x, y, position]
        data.SliceLocation = position
        data.PixelData = pixels.tobytes()
        data.save_as(folder / f"IM{name:05d}.dcm", enforce_file_format=True)
