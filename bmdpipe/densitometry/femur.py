"""The eight landmarks of a segmented proximal femur, with a confidence.

Source: Uemura et al. 2022, Arch Osteoporos (the definition).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bmdpipe.core.errors import CaseError, CaseWarning
from bmdpipe.core.labels import femur_label
from bmdpipe.core.volume import Volume, bounding_slices
from bmdpipe.densitometry.distance_field import DistanceField
from bmdpipe.densitometry.head import Head, fit_head
from bmdpipe.densitometry.landmark_confidence import Plausibility, plausibility
from bmdpipe.densitometry.neck import find_neck, junction_points
from bmdpipe.densitometry.shaft import Shaft, find_shaft, first_axis, section_centre

ANTERIOR = np.array([0.0, -1.0, 0.0])
MIN_MEDIAL_MM = 15.0
MIN_BONE_MM3 = 30_000.0
BESIDE_MM = 20.0
NEAR_MM, FAR_MM = 20.0, 50.0
"""Where the shaft landmarks lie distal to the lesser trochanter."""


@dataclass(frozen=True)
class FemurLandmarks:
    """World points by landmark name, how far they can be trusted (0 to 1), and what is odd.

    Points that a person corrected have neither head radius nor plausibility, and a confidence of 1.
    """

    points: dict[str, NDArray[np.float64]]
    confidence: float
    head_radius_mm: float | None
    warnings: tuple[CaseWarning, ...] = ()
    plausible: Plausibility | None = None
    source: Literal["automatic", "corrected"] = "automatic"

    def to_json(self) -> dict:
        return {
            "points": {name: [float(c) for c in point] for name, point in self.points.items()},
            "confidence": self.confidence,
            "head_radius_mm": self.head_radius_mm,
            "source": self.source,
            "checks": self.plausible.to_json() if self.plausible else None,
        }


def find_landmarks(labels: Volume, side: str, case: str) -> FemurLandmarks:
    """The landmarks of the femur on one side of a canonical label map.

    How far they can be trusted is for the caller to judge (`trusted`). Raises CaseError:
    E_SEGMENTATION without a femur, E_FOV if the head or the shaft within 2 cm of the lesser
    trochanter is cut off, E_LANDMARKS if the shape is not that of a proximal femur.
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
    plausible = plausibility(head, neck, shaft, points)
    return FemurLandmarks(points, plausible.confidence, head.radius_mm, warnings, plausible)


def trusted(found: FemurLandmarks, name: str, least: float, warn: float) -> FemurLandmarks:
    """The landmarks, marked where their confidence is below `warn`.

    Raises CaseError E_LANDMARKS where it is below `least`.
    """
    if found.plausible is None or found.confidence >= warn:
        return found
    text = f"the landmarks' confidence is {found.confidence:.2f}: {found.plausible.weakest}"
    if found.confidence < least:
        raise CaseError("E_LANDMARKS", name, text)
    warning = CaseWarning("W_LANDMARKS", f"{name}: {text}; check the picture")
    return replace(found, warnings=(*found.warnings, warning))


def corrected(
    points: dict[str, NDArray[np.float64]], labels: Volume, side: str, case: str
) -> FemurLandmarks:
    """Landmarks that a person placed. Raises CaseError E_LANDMARKS if they are not on the femur of
    that side (its box and 20 mm around it), E_SEGMENTATION without a femur."""
    name = f"{case}/{side}"
    femur = labels.array == femur_label(side)
    if not femur.any():
        raise CaseError("E_SEGMENTATION", name, "there is no femur in the label map on this side")
    z, y, x = bounding_slices(femur)
    low = labels.world_at(np.array([x.start, y.start, z.start])) - BESIDE_MM
    high = labels.world_at(np.array([x.stop, y.stop, z.stop])) + BESIDE_MM
    # The 5 cm landmark may lie below the end of the bone.
    low[2] -= FAR_MM
    off = [n for n, p in points.items() if (p < low).any() or (p > high).any()]
    if off:
        raise CaseError("E_LANDMARKS", name, f"corrected {', '.join(off)} is not on this femur")
    warning = CaseWarning("W_CORRECTED", f"{name}: the landmarks were corrected by hand")
    return FemurLandmarks(points, 1.0, None, (warning,), source="corrected")


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
