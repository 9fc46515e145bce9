"""A lumbar slab as a DICOM CT series, its files in no order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom.uid import CTImageStorage

from bmdpipe.core.config.virtual.lumbar import LumbarConfig
from bmdpipe.core.volume import Volume
from bmdpipe.virtual.demographics import Person, stream
from bmdpipe.virtual.dicom_header import new_file

RESCALE_INTERCEPT = -1024


def write_slab(
    folder: Path, config: LumbarConfig, case: str, person: Person, ct: Volume, enhanced: bool
) -> None:
    """One file per slice; only ImagePositionPatient tells the order."""
    folder.mkdir(parents=True)
    stored = (ct.array - RESCALE_INTERCEPT).astype(np.uint16)
    names = stream(config.seed, person.number, "ct files").permutation(len(stored)) + 1
    x, y, z = ct.origin_mm
    sx, sy, sz = ct.spacing_mm
    data = new_file(config.seed, case, person, CTImageStorage, "CT", "slice")
    data.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    data.BodyPartExamined = "LSPINE"
    data.SeriesDescription = f"LUMBAR CT {config.level}"
    data.PatientPosition = "HFS"
    data.KVP = config.kvp
    data.ConvolutionKernel = config.kernel
    if enhanced:
        data.ContrastBolusAgent = "virtual contrast medium"
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
    data.RescaleIntercept, data.RescaleSlope, data.RescaleType = RESCALE_INTERCEPT, 1, "HU"
    data.WindowCenter, data.WindowWidth = 60, 400
    for k, (pixels, name) in enumerate(zip(stored, names, strict=True)):
        own = new_file(config.seed, case, person, CTImageStorage, "CT", f"slice {k}")
        data.file_meta.MediaStorageSOPInstanceUID = own.SOPInstanceUID
        data.SOPInstanceUID = own.SOPInstanceUID
        data.InstanceNumber = len(stored) - k
        position = round(z + k * sz, 4)
        data.ImagePositionPatient = [x, y, position]
        data.SliceLocation = position
        data.PixelData = pixels.tobytes()
        data.save_as(folder / f"IM{name:05d}.dcm", enforce_file_format=True)
