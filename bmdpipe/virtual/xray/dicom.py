"""A virtual radiograph as a DX DICOM file; as in life, not every header tells all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import DigitalXRayImageStorageForPresentation

from bmdpipe.core.config.virtual.cohort import VirtualConfig
from bmdpipe.virtual.demographics import Person
from bmdpipe.virtual.dicom_header import new_file
from bmdpipe.virtual.xray.equipment import Visit
from bmdpipe.virtual.xray.exposure_control import INDEX_PER_UGY
from bmdpipe.virtual.xray.processing import tabled
from bmdpipe.virtual.xray.room import Picture

TABLE_BITS = 16


def write_radiograph(
    path: Path, config: VirtualConfig, subject: str, person: Person, picture: Picture, visit: Visit
) -> None:
    """10 to 14 bits in 16; MONOCHROME1 files hold inverted values: bone is always shown bright."""
    name = picture.exposure.positioning
    data = new_file(
        config.seed, subject, person, DigitalXRayImageStorageForPresentation, "DX", name
    )
    data.ImageType = ["ORIGINAL", "PRIMARY"]
    data.PresentationIntentType = "FOR PRESENTATION"
    data.BodyPartExamined = "HIP"
    data.SeriesDescription = "HIP AP"
    data.AcquisitionDeviceProcessingDescription = name
    data.PatientOrientation = ["L", "F"]
    data.ViewPosition = "AP"
    data.ImageLaterality = "B"
    data.InstanceNumber = config.positionings.index(name) + 1
    data.BurnedInAnnotation = "NO"
    data.LossyImageCompression = "00"
    _write_exposure(data, picture, visit)
    _write_geometry(data, picture, visit)
    if picture.field.shown and visit.collimator:
        _write_collimator(data, picture)
    _write_values(data, picture, visit)
    path.parent.mkdir(parents=True, exist_ok=True)
    data.save_as(path, enforce_file_format=True)


def _write_exposure(data: Dataset, picture: Picture, visit: Visit) -> None:
    room, technique = picture.room, picture.technique
    data.KVP = technique.kvp
    data.Exposure = round(technique.mas)
    data.ExposureInuAs = round(1000 * technique.mas)
    data.ExposureControlMode = "AUTOMATIC"
    data.AnodeTargetMaterial = "TUNGSTEN"
    data.FilterMaterial = "ALUMINUM"
    data.FilterThicknessMinimum = data.FilterThicknessMaximum = room.filter_mm_al
    data.Grid = ["RECIPROCATING", "FOCUSED"]
    data.GridFocalDistance = room.grid.focal_mm
    data.GridAspectRatio = [room.grid.ratio, 1]
    data.DetectorType = "SCINTILLATOR"
    if visit.index:
        data.ExposureIndex = round(technique.index, 1)
        data.TargetExposureIndex = round(INDEX_PER_UGY * technique.target_ugy, 1)
        data.DeviationIndex = round(technique.deviation, 1)


def _write_geometry(data: Dataset, picture: Picture, visit: Visit) -> None:
    """Distances, the spacing at the detector, that at the hips, and the area of the detector."""
    camera, sod_mm = picture.exposure.camera, picture.exposure.sod_mm
    sx, sy = camera.spacing_mm
    magnification = camera.sdd_mm / sod_mm
    if visit.distances:
        data.DistanceSourceToDetector = round(camera.sdd_mm, 1)
        data.DistanceSourceToPatient = round(sod_mm, 1)
    if visit.distances or not visit.imager:
        data.EstimatedRadiographicMagnificationFactor = round(magnification, 6)
    if visit.imager:
        data.ImagerPixelSpacing = [sy, sx]
    if visit.calibrated or not visit.imager:
        data.PixelSpacing = [round(sy / magnification, 6), round(sx / magnification, 6)]
        data.PixelSpacingCalibrationType = "GEOMETRY"
        data.PixelSpacingCalibrationDescription = "at the hip joints"
    width, height = camera.size_px
    data.FieldOfViewShape = "RECTANGLE"
    data.FieldOfViewDimensions = [round(width * sx), round(height * sy)]
    data.FieldOfViewRotation = 0
    data.FieldOfViewHorizontalFlip = "NO"


def _write_collimator(data: Dataset, picture: Picture) -> None:
    """Edges as the columns and rows, counted from 1, where the field ends."""
    left, top, right, bottom = picture.field.edges
    width, height = picture.image.size_px
    data.CollimatorShape = "RECTANGULAR"
    data.CollimatorLeftVerticalEdge = int(np.clip(round(left) + 1, 1, width))
    data.CollimatorRightVerticalEdge = int(np.clip(round(right) + 1, 1, width))
    data.CollimatorUpperHorizontalEdge = int(np.clip(round(top) + 1, 1, height))
    data.CollimatorLowerHorizontalEdge = int(np.clip(round(bottom) + 1, 1, height))


def _write_values(data: Dataset, picture: Picture, visit: Visit) -> None:
    bits, inverted = picture.room.bits, visit.monochrome1
    top = 2**bits - 1
    scaled = np.clip(picture.image.array, 0.0, 1.0)
    scaled *= np.float32(top)
    stored = np.rint(scaled).astype(np.uint16)
    if inverted:
        stored = np.uint16(top) - stored
    data.SamplesPerPixel = 1
    data.PhotometricInterpretation = "MONOCHROME1" if inverted else "MONOCHROME2"
    data.PresentationLUTShape = "INVERSE" if inverted else "IDENTITY"
    data.PixelIntensityRelationship = "LOG"
    data.PixelIntensityRelationshipSign = 1 if inverted else -1
    data.Rows, data.Columns = stored.shape
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, bits, bits - 1
    data.PixelRepresentation = 0
    data.RescaleIntercept, data.RescaleSlope, data.RescaleType = 0, 1, "US"
    if picture.window is None:
        data.WindowCenter, data.WindowWidth = (top + 1) // 2, top + 1
    elif picture.room.curve == "sigmoid":
        middle = 0.5 * (picture.window.low + picture.window.high)
        data.WindowCenter = round(top * (1.0 - middle if inverted else middle), 1)
        data.WindowWidth = round(top * (picture.window.high - picture.window.low), 1)
        data.VOILUTFunction = "SIGMOID"
    else:
        data.VOILUTSequence = Sequence([_table(picture, top, inverted)])
    data.PixelData = stored.tobytes()


def _table(picture: Picture, top: int, inverted: bool) -> Dataset:
    """The look-up table from stored to shown values; it rises, and the photometric interpretation
    turns what it gives."""
    assert picture.window is not None
    low, high = picture.window.low, picture.window.high
    value = (np.arange(top + 1, dtype=np.float32) / np.float32(top) - low) / (high - low)
    shown: NDArray = tabled(value.astype(np.float32), picture.room.look)
    if inverted:
        shown = 1.0 - shown[::-1]
    table = Dataset()
    table.LUTDescriptor = [top + 1, 0, TABLE_BITS]
    table.LUTExplanation = picture.room.look.family
    table.LUTData = np.rint(shown * (2**TABLE_BITS - 1)).astype(np.uint16).tobytes()
    return table
