"""Found poses against the true ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bmdpipe.evaluation.stages.quantity import Quantity
from bmdpipe.geometry.camera import Camera
from bmdpipe.geometry.pose import Matrix, apply, inverse, rotation_angle_deg

QUANTITIES = (
    Quantity("reprojection_mean_mm", "mean reprojection distance", "mm"),
    Quantity("reprojection_median_mm", "median reprojection distance", "mm"),
    Quantity("in_plane_mm", "mean in-plane target registration error", "mm"),
    Quantity("depth_mm", "depth shift of the centre", "mm", "zero"),
    Quantity("rotation_deg", "rotation error", "deg"),
)


def registration_errors(
    found: Mapping[str, Any],
    truth: Mapping[str, Any],
    points_mm: Mapping[str, NDArray],
    success_mm: float,
) -> list[dict[str, Any]]:
    """A row per radiograph and body that has a found pose.

    `found` is the stage's poses file, `truth` the truth's `radiographs`, `points_mm` a body's
    surface points in the CT's world. `success` is a mean reprojection distance below `success_mm`.
    """
    rows = []
    for radiograph, result in found.items():
        true_camera = Camera.from_json(truth[radiograph]["camera"])
        camera = Camera.from_json(result["camera"])
        for body, pose in result["bodies"].items():
            if body not in points_mm:
                continue
            true_pose = np.asarray(truth[radiograph]["camera_from_ct"][body], dtype=float)
            found_pose = np.asarray(pose["camera_from_ct"], dtype=float)
            errors = pose_errors(camera, found_pose, true_camera, true_pose, points_mm[body])
            rows.append(
                {
                    "radiograph": radiograph,
                    "body": body,
                    "ok": bool(pose["ok"]),
                    "success": errors["reprojection_mean_mm"] < success_mm,
                    **errors,
                }
            )
    return rows


def pose_errors(
    camera: Camera,
    found: Matrix,
    true_camera: Camera,
    truth: Matrix,
    points_mm: NDArray,
) -> dict[str, float]:
    """Errors of one pose `camera_from_ct` for a body's points `[n, 3]` in the CT's world.

    `in_plane_mm` is the mean target registration error along the detector's axes, from the
    detector's corner: both cameras describe one detector, whose place is known, while the source's
    may not be. `depth_mm` is the mean shift away from the source.
    """
    at, true_at = apply(found, points_mm), apply(truth, points_mm)
    shift = at[:, :2] + _corner(camera) - (true_at[:, :2] + _corner(true_camera))
    distance = reprojection_distance_mm(camera, found, true_camera, truth, points_mm)
    return {
        "rotation_deg": rotation_angle_deg(found @ inverse(truth)),
        "in_plane_mm": float(np.linalg.norm(shift, axis=1).mean()),
        "depth_mm": float((at[:, 2] - true_at[:, 2]).mean()),
        "reprojection_mean_mm": float(distance.mean()),
        "reprojection_median_mm": float(np.median(distance)),
    }


def _corner(camera: Camera) -> NDArray[np.float64]:
    """The central ray from the detector's upper left corner `[2]`, mm."""
    return (np.asarray(camera.principal_point_px) + 0.5) * np.asarray(camera.spacing_mm)


def reprojection_distance_mm(
    camera: Camera, found: Matrix, true_camera: Camera, truth: Matrix, points_mm: NDArray
) -> NDArray[np.float64]:
    """How far each point, at its true place, lies from the ray through the pixel in which the found
    pose shows it: an error at the bone, not on the detector, blind to shifts along the ray.

    The true camera may differ from the found one; both describe the same detector area.
    Source: van de Kraats 2005, IEEE TMI 24(9), reprojection distance.
    """
    scale = np.asarray(true_camera.size_px) / np.asarray(camera.size_px)
    pixels = (camera.pixels_of(apply(found, points_mm)) + 0.5) * scale - 0.5
    at_detector = (pixels - true_camera.principal_point_px) * true_camera.spacing_mm
    ray = np.column_stack([at_detector, np.full(len(pixels), true_camera.sdd_mm)])
    ray /= np.linalg.norm(ray, axis=1, keepdims=True)
    return np.linalg.norm(np.cross(apply(truth, points_mm), ray), axis=1)


def success_counts(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """How many poses succeeded, and whether the stage's own verdict (`ok`) agrees."""
    return {
        "poses": len(rows),
        "success": sum(row["success"] for row in rows),
        "accepted": sum(row["ok"] for row in rows),
        "accepted_but_failed": sum(row["ok"] and not row["success"] for row in rows),
        "refused_but_succeeded": sum(row["success"] and not row["ok"] for row in rows),
    }
