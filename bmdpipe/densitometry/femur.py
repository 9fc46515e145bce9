"""The eight landmarks of a segmented proximal femur, with a confidence.

Source: Uemura et al. 2022, Arch Osteoporos (the definition).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bmdpipe.core.errors import CaseError, CaseWarning
from bmdpipe.core.labels import femur_label
from bmdpipe.core.volume import Volume, bounding_slices
from bmdpipe.densitometry.distance_field import DistanceField
from bmdpipe.densitometry.head import Head, fit_head
from bmdpipe.densitometry.neck import Neck, find_neck, junction_points
from bmdpipe.densitometry.shaft import Shaft, find_shaft, first_axis, section_centre

ANTERIOR = np.array([0.0, -1.0, 0.0])
MIN_MEDIAL_MM = 15.0
MIN_BONE_MM3 = 30_000.0
NEAR_MM, FAR_MM = 20.0, 50.0
"""Where the shaft landmarks lie distal to the lesser trochanter."""


@dataclass(frozen=True)
class FemurLandmarks:
    """World points by landmark name, how far they can be trusted (0 to 1), and what is odd."""

    points: dict[str, NDArray[np.float64]]
    confidence: float
    head_radius_mm: float
    warnings: tuple[CaseWarning, ...] = ()

    def to_json(self) -> dict:
        return {
            "points": {name: [float(c) for c in point] for name, point in self.points.items()},
            "confidence": self.confidence,
            "head_radius_mm": self.head_radius_mm,
        }


def find_landmarks(
    labels: Volume, side: str, case: str, min_confidence: float, warn_confidence: float
) -> FemurLandmarks:
    """The landmarks of the femur on one side of a canonical label map.

    Raises CaseError: E_SEGMENTATION without a femur, E_FOV if the head or the shaft within 2 cm of
    the lesser trochanter is cut off, E_LANDMARKS if the shape is not that of a proximal femur.
    """
    if not np.allclose(labels.direction, np.eye(3), atol=1e-3):
        raise ValueError("landmarks need a canonical label map")
    name = f"{case}/{side}"
    femur = femur_mask(labels, side)
    if femur.sum() * labels.voxel_mm3 < MIN_BONE_MM3:
        raise CaseError("E_SEGMENTATION", name, "there is no femur in the label map on this side")
    _refuse_cut(femur, name)
    field = DistanceField.of(labels, femur)
    origin, up = first_axis(_slice_centroids(labels, femur))
    medial = np.array([1.0 if side == "R" else -1.0, 0.0, 0.0])
    head = _head(field, origin, up, medial, name)
    neck = find_neck(field, head, origin, up)
    if neck is None or not 0.15 < neck.narrowness < 1.0:
        raise CaseError("E_LANDMARKS", name, "no neck narrows between the head and the shaft")
    shaft = find_shaft(field, origin, up, head.centre_mm, neck.axis, ANTERIOR)
    if shaft.prominence_mm < 0.7:
        raise CaseError("E_LANDMARKS", name, "no lesser trochanter stands out of the shaft")
    warnings = _shaft_warnings(shaft, labels.spacing_mm[2], name)
    points = {
        "head_centre": head.centre_mm,
        "neck_centre": neck.centre_mm,
        **junction_points(field, head, neck, shaft.up, ANTERIOR),
        "shaft_2cm": section_centre(field, shaft, NEAR_MM),
        "shaft_5cm": section_centre(field, shaft, FAR_MM),
    }
    if not all(np.isfinite(point).all() for point in points.values()):
        raise CaseError("E_LANDMARKS", name, "the head-neck junction lies outside the bone")
    confidence = _confidence(head, neck, shaft)
    if confidence < min_confidence:
        raise CaseError("E_LANDMARKS", name, f"the landmarks' confidence is {confidence:.2f}")
    if confidence < warn_confidence:
        text = f"{name}: the landmarks' confidence is {confidence:.2f}; check the picture"
        warnings = (*warnings, CaseWarning("W_LANDMARKS", text))
    return FemurLandmarks(points, confidence, head.radius_mm, warnings)


def femur_mask(labels: Volume, side: str) -> NDArray[np.bool_]:
    """The largest connected piece of the femur on one side, on the label map's grid."""
    mask = labels.array == femur_label(side)
    return largest_component(mask) if mask.any() else mask


def largest_component(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest face-connected piece of a mask that is not empty."""
    box = bounding_slices(mask)
    pieces, count = ndimage.label(mask[box])
    if count < 2:
        return mask
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    result = np.zeros_like(mask)
    result[box] = pieces == int(np.argmax(sizes))
    return result


def _refuse_cut(femur: NDArray[np.bool_], name: str) -> None:
    if femur[-1].any():
        raise CaseError("E_FOV", name, "the femur is cut by the top of the CT")
    if any(edge.any() for edge in (femur[:, 0], femur[:, -1], femur[:, :, 0], femur[:, :, -1])):
        raise CaseError("E_FOV", name, "the femur is cut by the side of the CT's field of view")


def _slice_centroids(labels: Volume, femur: NDArray[np.bool_]) -> NDArray[np.float64]:
    """World centroids of the femur's slices, lowest first."""
    z, y, x = bounding_slices(femur)
    box = labels.crop(z, y, x)
    solid = femur[z, y, x]
    count = np.maximum(solid.sum(axis=(1, 2)), 1)
    column = (solid.sum(axis=1) * np.arange(solid.shape[2])).sum(axis=1) / count
    row = (solid.sum(axis=2) * np.arange(solid.shape[1])).sum(axis=1) / count
    return box.world_at(np.column_stack([column, row, np.arange(len(solid))]))


def _head(field: DistanceField, origin: NDArray, up: NDArray, medial: NDArray, name: str) -> Head:
    """The head's sphere, begun at the deepest place medial of the shaft's axis."""
    world_from_index = np.linalg.inv(field.index_from_world)
    index = np.argwhere(field.values > 8.0)[:, ::-1]
    points = index @ world_from_index[:3, :3].T + world_from_index[:3, 3]
    beside = (points - origin - ((points - origin) @ up)[:, None] * up) @ medial > MIN_MEDIAL_MM
    if not beside.any():
        raise CaseError("E_LANDMARKS", name, "no femoral head lies medial of the shaft")
    index, points = index[beside], points[beside]
    depth = field.values[index[:, 2], index[:, 1], index[:, 0]]
    deepest = int(np.argmax(depth))
    outward = medial + np.array([0.0, 0.0, 0.7])
    head = fit_head(
        field, points[deepest], float(depth[deepest]), outward / np.linalg.norm(outward)
    )
    if not 14.0 < head.radius_mm < 36.0 or head.share < 0.3:
        raise CaseError("E_LANDMARKS", name, "the femoral head is no sphere")
    return head


def _shaft_warnings(shaft: Shaft, slice_mm: float, name: str) -> tuple[CaseWarning, ...]:
    left = shaft.trochanter_mm + slice_mm / 2
    if left < NEAR_MM:
        raise CaseError(
            "E_FOV", name, f"the shaft is cut {left:.0f} mm below the lesser trochanter, not 20"
        )
    if left < FAR_MM:
        text = (
            f"{name}: the shaft is cut {left:.0f} mm below the lesser trochanter; "
            "the landmark at 50 mm is extrapolated"
        )
        return (CaseWarning("W_LANDMARKS", text),)
    return ()


def _confidence(head: Head, neck: Neck, shaft: Shaft) -> float:
    """A product of five terms, each 1 for a clear femur, 0 for an implausible one (own choice)."""
    angle = np.degrees(np.arccos(np.clip(neck.axis @ shaft.up, -1, 1)))
    terms = (
        np.interp(head.share, (0.4, 0.8), (0, 1)),
        np.interp(head.residual_mm, (0.8, 1.4), (1, 0)),
        np.interp(neck.narrowness, (0.15, 0.25, 0.75, 0.97), (0, 1, 1, 0)),
        np.interp(angle, (100, 112, 145, 158), (0, 1, 1, 0)),
        np.interp(shaft.prominence_mm, (0.7, 2.5), (0.2, 1)),
    )
    return float(np.prod(terms))
