"""A virtual radiograph as a DX DICOM file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom.uid import DigitalXRayImageStorageForPresentation

from bmdpipe.core.config.virtual.cohort import VirtualConfig
from bmdpipe.core.image import Image
from bmdpipe.virtual.demographics import Person
from bmdpipe.virtual.dicom_header import new_file
from bmdpipe.virtual.hip.positioning import Exposure
from bmdpipe.virtual.xray.room import LEVELS, Processing


def write_radiograph(
    path: Path,
    config: VirtualConfig,
    subject: str,
    person: Person,
    image: Image,
    exposure: Exposure,
    processing: Processing,
) -> None:
    """12 bits in 16; MONOCHROME1 files hold inverted values: bone is always shown bright."""
    name = exposure.positioning
    data = new_file(
        config.seed, subject, person, DigitalXRayImageStorageForPresentation, "DX", name
    )
    stored = np.rint(np.clip(image.array, 0.0, 1.0) * LEVELS).astype(np.uint16)
    if processing.monochrome1:
        stored = LEVELS - stored
    sx, sy = image.spacing_mm
    data.ImageType = ["ORIGINAL", "PRIMARY"]
    data.PresentationIntentType = "FOR PRESENTATION"
    data.BodyPartExamined = "HIP"
    data.SeriesDescription = "HIP AP"
    data.AcquisitionDeviceProcessingDescription = name
    data.PatientOrientation = ["L", "F"]
    data.ViewPosition = "AP"
    data.ImageLaterality = "B"
    data.InstanceNumber = config.positionings.index(exposure.positioning) + 1
    data.KVP = config.radiograph.kvp
    if processing.distances:
        data.DistanceSourceToDetector = round(exposure.camera.sdd_mm, 1)
        data.DistanceSourceToPatient = round(exposure.sod_mm, 1)
        data.EstimatedRadiographicMagnificationFactor = round(
            exposure.camera.sdd_mm / exposure.sod_mm, 4
        )
    data.ImagerPixelSpacing = [sy, sx]
    if processing.pixel_spacing:
        factor = exposure.sod_mm / exposure.camera.sdd_mm
        data.PixelSpacing = [round(sy * factor, 6), round(sx * factor, 6)]
        data.PixelSpacingCalibrationType = "GEOMETRY"
        data.PixelSpacingCalibrationDescription = "at the hip joints"
    data.SamplesPerPixel = 1
    data.PhotometricInterpretation = "MONOCHROME1" if processing.monochrome1 else "MONOCHROME2"
    data.PresentationLUTShape = "INVERSE" if processing.monochrome1 else "IDENTITY"
    data.PixelIntensityRelationship = "LOG"
    data.PixelIntensityRelationshipSign = 1 if processing.monochrome1 else -1
    data.Rows, data.Columns = stored.shape
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, 12, 11
    data.PixelRepresentation = 0
    data.RescaleIntercept, data.RescaleSlope, data.RescaleType = 0, 1, "US"
    data.WindowCenter, data.WindowWidth = (LEVELS + 1) // 2, LEVELS + 1
    data.BurnedInAnnotation = "NO"
    data.LossyImageCompression = "00"
    data.PixelData = stored.tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    data.save_as(path, enforce_file_format=True)
