"""The pinhole X-ray camera.

Camera frame: the origin is the X-ray source, +z points to the detector, +x along the image's
columns to the right, +y along its rows downwards. The detector is the plane z = `sdd_mm`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bmdpipe.geometry.pose import Matrix, rigid

CAMERA_FROM_LPS_AP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""Antero-posterior view: the patient's left is on the image's right, superior is up."""
FAR_MM = 1e7
"""Source-detector distance of a beam that counts as parallel."""


@dataclass(frozen=True)
class Camera:
    """A cone-beam geometry.

    With `(cu, cv) = principal_point_px`, pixel `(u, v)` = (column, row) has its centre at
    `((u - cu) * spacing_mm[0], (v - cv) * spacing_mm[1], sdd_mm)`. `size_px` is (width, height);
    `spacing_mm` (x, y) is measured at the detector.
    """

    sdd_mm: float
    spacing_mm: tuple[float, float]
    size_px: tuple[int, int]
    principal_point_px: tuple[float, float]

    def __post_init__(self) -> None:
        if self.sdd_mm <= 0 or min(self.spacing_mm) <= 0 or min(self.size_px) < 1:
            raise ValueError(f"no camera: {self}")

    @classmethod
    def centred(
        cls, sdd_mm: float, spacing_mm: tuple[float, float], size_px: tuple[int, int]
    ) -> Camera:
        """A camera whose central ray meets the middle of the detector."""
        width, height = size_px
        return cls(sdd_mm, spacing_mm, size_px, ((width - 1) / 2, (height - 1) / 2))

    @classmethod
    def parallel(cls, spacing_mm: tuple[float, float], size_px: tuple[int, int]) -> Camera:
        """The parallel beam as the limit of a far source; put the object near the detector.

        An object 1 m before the detector is magnified by one part in ten thousand.
        """
        return cls.centred(FAR_MM, spacing_mm, size_px)

    def resized(self, size_px: tuple[int, int]) -> Camera:
        """The same detector area with another number of pixels."""
        fx = self.size_px[0] / size_px[0]
        fy = self.size_px[1] / size_px[1]
        cu, cv = self.principal_point_px
        return replace(
            self,
            spacing_mm=(self.spacing_mm[0] * fx, self.spacing_mm[1] * fy),
            size_px=size_px,
            principal_point_px=((cu + 0.5) / fx - 0.5, (cv + 0.5) / fy - 0.5),
        )

    def cropped(self, left: int, top: int, size_px: tuple[int, int]) -> Camera:
        """A window of the detector; it may reach beyond it."""
        cu, cv = self.principal_point_px
        return replace(self, size_px=size_px, principal_point_px=(cu - left, cv - top))

    def mirrored(self) -> Camera:
        """The camera of the left-right mirrored image (a mirrored patient, not a rigid pose)."""
        cu, cv = self.principal_point_px
        return replace(self, principal_point_px=(self.size_px[0] - 1 - cu, cv))

    def pixels_of(self, points_mm: NDArray) -> NDArray[np.float64]:
        """Pixel coordinates `[..., 2]` (u, v) of points `[..., 3]` in the camera frame."""
        points = np.asarray(points_mm, dtype=float)
        at_detector = points[..., :2] * (self.sdd_mm / points[..., 2:3])
        return at_detector / np.asarray(self.spacing_mm) + np.asarray(self.principal_point_px)

    def to_json(self) -> dict:
        return {
            "sdd_mm": self.sdd_mm,
            "spacing_mm": list(self.spacing_mm),
            "size_px": list(self.size_px),
            "principal_point_px": list(self.principal_point_px),
        }

    @classmethod
    def from_json(cls, raw: dict) -> Camera:
        return cls(
            sdd_mm=raw["sdd_mm"],
            spacing_mm=tuple(raw["spacing_mm"]),
            size_px=tuple(raw["size_px"]),
            principal_point_px=tuple(raw["principal_point_px"]),
        )


def ap_pose(centre_mm: NDArray, camera: Camera, sod_mm: float) -> Matrix:
    """`camera_from_ct` of an upright AP view with the world point `centre_mm` seen at the image's
    middle, `sod_mm` from the source along the optical axis."""
    width, height = camera.size_px
    offset = (
        np.array([(width - 1) / 2, (height - 1) / 2]) - camera.principal_point_px
    ) * np.asarray(camera.spacing_mm)
    target = np.array([*(offset * sod_mm / camera.sdd_mm), sod_mm])
    return rigid(
        CAMERA_FROM_LPS_AP, target - CAMERA_FROM_LPS_AP @ np.asarray(centre_mm, dtype=float)
    )
