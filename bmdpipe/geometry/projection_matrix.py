"""Camera and pose as one 3x4 matrix, and back; a camera from points and directions in the world.

Source: Hartley and Zisserman 2004, Multiple View Geometry, chapter 6.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import rq

from bmdpipe.geometry.camera import Camera
from bmdpipe.geometry.pose import Matrix, rigid

SKEW_LIMIT = 1e-6
"""Of the focal length: rows and columns of a detector are perpendicular."""


def matrix_of(camera: Camera, camera_from_world: Matrix) -> NDArray[np.float64]:
    """The `[3, 4]` matrix that takes homogeneous world points (mm) to homogeneous pixels (u, v)."""
    return _intrinsics(camera) @ camera_from_world[:3]


def camera_of(
    matrix: NDArray, spacing_mm: tuple[float, float], size_px: tuple[int, int]
) -> tuple[Camera, Matrix]:
    """The camera and `camera_from_world` behind a `[3, 4]` matrix, whose scale does not matter.

    The matrix tells the source-detector distance in pixels only, so that the pixels' size is asked
    for. Raises ValueError if the matrix is of no camera with such pixels: singular, a skewed
    detector, or pixels of another shape.
    """
    matrix = np.asarray(matrix, dtype=float)
    if matrix.shape != (3, 4) or abs(np.linalg.det(matrix[:, :3])) < 1e-12:
        raise ValueError("a projection matrix is 3x4 and its first three columns are independent")
    upper, rotation = rq(matrix[:, :3])
    signs = np.diag(np.sign(np.diag(upper)))
    upper, rotation = upper @ signs, signs @ rotation
    scale = upper[2, 2] * np.sign(np.linalg.det(rotation))
    intrinsics = upper / upper[2, 2]
    fx, fy = intrinsics[0, 0], intrinsics[1, 1]
    if abs(intrinsics[0, 1]) > SKEW_LIMIT * fx:
        raise ValueError("the detector's rows and columns are not perpendicular")
    if not np.isclose(fx * spacing_mm[0], fy * spacing_mm[1], rtol=1e-6):
        raise ValueError(f"the matrix is of pixels with another shape than {spacing_mm}")
    camera = Camera(
        sdd_mm=float(fx * spacing_mm[0]),
        spacing_mm=spacing_mm,
        size_px=size_px,
        principal_point_px=(float(intrinsics[0, 2]), float(intrinsics[1, 2])),
    )
    translation = np.linalg.solve(intrinsics, matrix[:, 3] / scale)
    rotation = rotation * np.sign(np.linalg.det(rotation))
    return camera, rigid(rotation, translation)


def camera_from_points(
    source_mm: NDArray,
    first_pixel_mm: NDArray,
    columns: NDArray,
    rows: NDArray,
    spacing_mm: tuple[float, float],
    size_px: tuple[int, int],
) -> tuple[Camera, Matrix]:
    """Camera and `camera_from_world` of a flat detector anywhere, tilted and off-centre as it is.

    `first_pixel_mm` is the centre of pixel (0, 0); `columns` points along a row of the image, to
    higher column numbers, `rows` down a column. Raises ValueError if they are not perpendicular or
    the source lies in the detector's plane or sees the image mirrored.
    """
    x, y = (np.asarray(v, dtype=float) / np.linalg.norm(v) for v in (columns, rows))
    if abs(x @ y) > SKEW_LIMIT:
        raise ValueError("the detector's rows and columns are not perpendicular")
    rotation = np.stack([x, y, np.cross(x, y)])
    source = np.asarray(source_mm, dtype=float)
    first = rotation @ (np.asarray(first_pixel_mm, dtype=float) - source)
    if first[2] <= 0:
        raise ValueError("the source must look at the detector with x to the right and y down")
    camera = Camera(
        sdd_mm=float(first[2]),
        spacing_mm=spacing_mm,
        size_px=size_px,
        principal_point_px=(float(-first[0] / spacing_mm[0]), float(-first[1] / spacing_mm[1])),
    )
    return camera, rigid(rotation, -rotation @ source)


def _intrinsics(camera: Camera) -> NDArray[np.float64]:
    (sx, sy), (cu, cv) = camera.spacing_mm, camera.principal_point_px
    return np.array([[camera.sdd_mm / sx, 0, cu], [0, camera.sdd_mm / sy, cv], [0, 0, 1]])
