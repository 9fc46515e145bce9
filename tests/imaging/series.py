"""Small DICOM files of a left-right asymmetric virtual body."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    generate_uid,
)

REAL_DATA = Path(__file__).parents[3] / "shared" / "data"
SHAPE = (24, 36, 40)
SPACING = (1.5, 1.25, 2.0)
ORIGIN = (-20.0, 10.0, -300.0)
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
ORIENTATIONS = (
    ((1, 0, 0), (0, 1, 0)),  # axial
    ((-1, 0, 0), (0, -1, 0)),  # prone, or turned by 180 degrees
    ((1, 0, 0), (0, -1, 0)),  # rows written from the back: feet-first order of slices
    ((0, 1, 0), (0, 0, -1)),  # sagittal
    ((1, 0, 0), (0, 0, -1)),  # coronal
    ((0, 0, 1), (-1, 0, 0)),
)
"""Directions of a slice's rows and columns."""
Change = Callable[[int, FileDataset], Any]


def body_hu(shape: tuple[int, int, int] = SHAPE) -> np.ndarray:
    """HU `[z, y, x]`: fat and muscle in air, a bone on the patient's left, table behind."""
    nz, ny, nx = shape
    z, y, x = np.mgrid[:nz, :ny, :nx].astype(float)
    radius = np.hypot((x - nx / 2 + 0.5) / (nx / 2.4), (y - ny / 2 + 0.5) / (ny / 2.6))
    hu = np.full(shape, -1000.0)
    hu[radius < 1] = -100
    hu[radius < 0.8] = 50
    hu[(np.hypot(x - 0.7 * nx, y - 0.4 * ny) < 3) & (z < nz * 0.6)] = 800
    hu[:, -2, 4:-6] = 300
    noise = np.random.default_rng(7).normal(0, 6, shape).clip(-20, 20)
    return np.rint(hu + noise).astype(np.int16)


def ct_file(
    path: Path, stored: np.ndarray, position: Any, orientation: Any, spacing: Any, uid: str
) -> FileDataset:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    data = FileDataset(path, {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
    data.Modality, data.ImageType = "CT", ["ORIGINAL", "PRIMARY", "AXIAL"]
    data.SeriesInstanceUID, data.StudyInstanceUID, data.FrameOfReferenceUID = uid, uid, uid
    data.PatientName, data.PatientID, data.PatientBirthDate = "Secret^Name", "4711", "19500101"
    data.PatientPosition, data.KVP, data.ConvolutionKernel = "HFS", 120, "B30f"
    data.ImagePositionPatient = [f"{p:.8g}" for p in position]
    data.ImageOrientationPatient = [f"{o:.8g}" for o in orientation]
    data.PixelSpacing = [spacing[1], spacing[0]]
    data.RescaleSlope, data.RescaleIntercept = "1", "-1024"
    return pixels(data, stored)


def pixels(data: FileDataset, stored: np.ndarray, bits: int = 16) -> FileDataset:
    data.Rows, data.Columns = stored.shape[:2]
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit = bits, bits, bits - 1
    data.PixelRepresentation = int(stored.dtype.kind == "i")
    data.PixelData = stored.tobytes() + b"\0" * (stored.nbytes % 2)
    data["PixelData"].VR = "OW" if bits > 8 else "OB"
    return data


def write_series(
    folder: Path,
    hu: np.ndarray | None = None,
    *,
    orientation: tuple[float, ...] = AXIAL,
    spacing: tuple[float, float, float] = SPACING,
    origin: tuple[float, ...] = ORIGIN,
    step: np.ndarray | None = None,
    change: Change | None = None,
    name: str = "s",
) -> Path:
    """Write `hu[k, j, i]` by slices; `change(k, data)` may alter a file, or drop it by False."""
    folder.mkdir(parents=True, exist_ok=True)
    array = body_hu() if hu is None else hu
    normal = np.cross(orientation[:3], orientation[3:])
    step = normal * spacing[2] if step is None else step
    uid = generate_uid()
    names = np.random.default_rng(3).permutation(len(array))
    for k, plane in enumerate(array):
        path = folder / f"{name}{names[k]:04d}.dcm"
        position = np.asarray(origin) + k * step
        stored = (plane.astype(np.int32) + 1024).astype(np.uint16)
        data = ct_file(path, stored, position, orientation, spacing, uid)
        if change is None or change(k, data) is not False:
            data.save_as(path, enforce_file_format=True)
    return folder


def dx_file(path: Path, stored: np.ndarray, bits: int = 16, **elements: Any) -> Path:
    """A DX image; an element of None is left out."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = generate_uid()
    data = FileDataset(path, {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID = DigitalXRayImageStorageForPresentation
    data.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    data.Modality, data.PatientName, data.PatientID = "DX", "Secret^Name", "4711"
    pixels(data, stored, bits)
    defaults = {"ImagerPixelSpacing": [0.5, 0.5], "DistanceSourceToDetector": 1150}
    for keyword, value in {**defaults, **elements}.items():
        if value is not None:
            setattr(data, keyword, value)
    data.save_as(path, enforce_file_format=True)
    return path


def hip_like(width: int = 60, height: int = 56) -> np.ndarray:
    """Grey values that rise to the right, with a brighter bone; uint16."""
    y, x = np.mgrid[:height, :width]
    values = 500 + 20 * x + 5 * y + 1500 * (np.hypot(x - 40, y - 20) < 8)
    return values.astype(np.uint16)


def reload(path: Path) -> FileDataset:
    return pydicom.dcmread(path)


def resliced(
    folder: Path,
    hu: np.ndarray,
    rows: tuple[int, ...],
    columns: tuple[int, ...],
    spacing_mm: tuple[float, float, float] = SPACING,
    origin_mm: tuple[float, ...] = ORIGIN,
    change: Change | None = None,
) -> Path:
    """The same body `hu[z, y, x]` cut along other axes, told by the orientation vectors alone."""
    axes = np.column_stack([rows, columns, np.cross(rows, columns)]).astype(float)
    order = [int(np.abs(axes[:, a]).argmax()) for a in range(3)]
    signs = [axes[order[a], a] for a in range(3)]
    # The array axis of the world's axis w is 2 - w; the file is indexed [k, j, i].
    turned = hu.transpose([2 - order[a] for a in (2, 1, 0)])
    turned = turned[tuple(slice(None, None, int(signs[a])) for a in (2, 1, 0))]
    size = hu.shape[::-1]
    first = np.array(origin_mm, dtype=float)
    for a in range(3):
        if signs[a] < 0:
            first[order[a]] += (size[order[a]] - 1) * spacing_mm[order[a]]
    return write_series(
        folder,
        turned,
        orientation=(*rows, *columns),
        spacing=tuple(spacing_mm[order[a]] for a in range(3)),
        origin=tuple(first),
        change=change,
    )
