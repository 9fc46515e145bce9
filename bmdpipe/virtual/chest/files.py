"""The files of a chest case: DX DICOM for the radiograph, PNG for its twin and the masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture
from pydicom.uid import DigitalXRayImageStorageForPresentation

from bmdpipe.core.atomic import atomic_path
from bmdpipe.core.config.virtual.chest import ChestConfig
from bmdpipe.virtual.chest.picture import Processing
from bmdpipe.virtual.demographics import Person
from bmdpipe.virtual.dicom_header import new_file

LEVELS = 4095
"""12 bits, as in the JSRT set; the PNG holds the same numbers in 16."""


def stored(picture: NDArray[np.float32]) -> NDArray[np.uint16]:
    return np.rint(np.clip(picture, 0.0, 1.0) * LEVELS).astype(np.uint16)


def write_radiograph(
    path: Path,
    config: ChestConfig,
    case: str,
    person: Person,
    picture: NDArray[np.float32],
    processing: Processing,
) -> None:
    """A PA view as it is looked at, the patient's left on the image's right."""
    data = new_file(config.seed, case, person, DigitalXRayImageStorageForPresentation, "DX", "pa")
    pixel = round(config.detector_mm / config.size_px, 6)
    data.ImageType = ["ORIGINAL", "PRIMARY"]
    data.PresentationIntentType = "FOR PRESENTATION"
    data.BodyPartExamined = "CHEST"
    data.SeriesDescription = "CHEST PA"
    data.PatientOrientation = ["L", "F"]
    data.ViewPosition = "PA"
    data.ImageLaterality = "U"
    data.InstanceNumber = 1
    data.KVP = round(processing.kvp, 1)
    data.DistanceSourceToDetector = config.sdd_mm
    data.ImagerPixelSpacing = [pixel, pixel]
    data.SamplesPerPixel = 1
    data.PhotometricInterpretation = "MONOCHROME2"
    data.PresentationLUTShape = "IDENTITY"
    data.PixelIntensityRelationship = "LOG"
    data.PixelIntensityRelationshipSign = -1
    pixels = stored(picture)
    data.Rows, data.Columns = pixels.shape
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, 12, 11
    data.PixelRepresentation = 0
    data.RescaleIntercept, data.RescaleSlope, data.RescaleType = 0, 1, "US"
    data.WindowCenter, data.WindowWidth = (LEVELS + 1) // 2, LEVELS + 1
    data.BurnedInAnnotation = "NO"
    data.LossyImageCompression = "00"
    data.PixelData = pixels.tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    data.save_as(path, enforce_file_format=True)


def write_grey(path: Path, picture: NDArray[np.float32]) -> None:
    """A picture of 0 to 1 as 16-bit PNG with the radiograph's 12-bit numbers."""
    with atomic_path(path) as part:
        Picture.fromarray(stored(picture)).save(part, format="PNG")


def write_mask(path: Path, mask: NDArray[np.bool_]) -> None:
    """A mask as PNG, 255 where it holds."""
    with atomic_path(path) as part:
        Picture.fromarray(mask.astype(np.uint8) * 255).save(part, format="PNG")
