"""Cameras from and to DICOM headers: plain radiographs and RT images.

A radiograph's header (DX, CR) knows distance and pixels and not where the central ray meets the
detector: it is taken to be the middle. An RT image tells that, too.
Source: DICOM PS3.3, C.8.11.7 (DX detector), C.8.7.2 (distances), C.8.8.2 (RT image).
"""

from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset

from bmdpipe.geometry.camera import Camera
from bmdpipe.imaging.elements import number, numbers, whole

UPRIGHT = (1.0, 0.0, 0.0, 0.0, -1.0, 0.0)
"""Rows to the right, columns down, in the receptor's coordinates, whose y points up."""


def camera_from_header(header: Dataset) -> Camera:
    """The camera that a header describes. Raises ValueError, naming the element, if it cannot."""
    rows, columns = whole(header, "Rows"), whole(header, "Columns")
    if rows is None or columns is None:
        raise ValueError("Rows and Columns are missing")
    if number(header, "RTImageSID") is not None:
        return _rt_camera(header, (columns, rows))
    distance = number(header, "DistanceSourceToDetector")
    spacing = numbers(header, "ImagerPixelSpacing", 2)
    if distance is None or spacing is None:
        missing = "DistanceSourceToDetector" if distance is None else "ImagerPixelSpacing"
        raise ValueError(f"{missing} is missing")
    return Camera.centred(distance, (spacing[1], spacing[0]), (columns, rows))


def _rt_camera(header: Dataset, size_px: tuple[int, int]) -> Camera:
    spacing = numbers(header, "ImagePlanePixelSpacing", 2)
    corner = numbers(header, "RTImagePosition", 2)
    distance = number(header, "RTImageSID")
    orientation = numbers(header, "RTImageOrientation", 6) or UPRIGHT
    if spacing is None or corner is None or distance is None:
        raise ValueError("ImagePlanePixelSpacing or RTImagePosition is missing")
    if not np.allclose(orientation, UPRIGHT, atol=1e-6):
        raise ValueError(f"RTImageOrientation is turned: {orientation}")
    sx, sy = spacing[1], spacing[0]
    return Camera(distance, (sx, sy), size_px, (-corner[0] / sx, corner[1] / sy))


def write_radiograph_geometry(header: Dataset, camera: Camera) -> None:
    """Set a radiograph's elements. Raises ValueError off centre, which they cannot say."""
    middle = (np.array(camera.size_px) - 1) / 2
    if not np.allclose(camera.principal_point_px, middle, atol=1e-6):
        raise ValueError("a DX header cannot hold an off-centre ray; write an RT image's elements")
    _write_size(header, camera)
    header.DistanceSourceToDetector = camera.sdd_mm
    header.ImagerPixelSpacing = [camera.spacing_mm[1], camera.spacing_mm[0]]


def write_rt_geometry(header: Dataset, camera: Camera) -> None:
    """Set an RT image's elements, which hold any camera."""
    (sx, sy), (cu, cv) = camera.spacing_mm, camera.principal_point_px
    _write_size(header, camera)
    header.RTImageSID = camera.sdd_mm
    header.ImagePlanePixelSpacing = [sy, sx]
    header.RTImagePosition = [-cu * sx, cv * sy]
    header.RTImageOrientation = [*UPRIGHT]


def _write_size(header: Dataset, camera: Camera) -> None:
    header.Columns, header.Rows = camera.size_px
