"""Found landmarks and bone densities against the true ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bmdpipe.core.labels import SIDES
from bmdpipe.evaluation.stages.quantity import Quantity
from bmdpipe.geometry.landmarks import LANDMARKS, landmarks_from_json

QUANTITIES = (
    Quantity("landmark_mean_mm", "landmark error, mean of eight", "mm"),
    Quantity("landmark_worst_mm", "landmark error, worst of eight", "mm"),
    Quantity("vbmd_error_percent", "vBMD error", "%", "zero"),
    Quantity("abmd_error_percent", "aBMD error", "%", "zero"),
)
DENSITIES = {"vbmd_error_percent": "vbmd_mg_cm3", "abmd_error_percent": "abmd_g_cm2"}


def roi_errors(
    landmarks: Mapping[str, Any],
    roi: Mapping[str, Mapping[str, float]],
    truth: Mapping[str, Any],
    target_side: str,
) -> list[dict[str, Any]]:
    """A row per side that was measured: distances of the landmarks in mm, signed relative errors of
    the densities. `target` marks the target side."""
    rows = []
    for side in SIDES:
        if side not in truth["landmarks"] or not landmarks.get(side):
            continue
        true_points = landmarks_from_json(truth["landmarks"][side])
        found = landmarks_from_json(landmarks[side]["points"])
        distance = {n: float(np.linalg.norm(found[n] - true_points[n])) for n in LANDMARKS}
        row: dict[str, Any] = {
            "side": side,
            "target": side == target_side,
            "landmarks_mm": distance,
            "landmark_mean_mm": float(np.mean(list(distance.values()))),
            "landmark_worst_mm": max(distance.values()),
        }
        for key, name in DENSITIES.items():
            measured, true = roi.get(side, {}).get(name), truth[name][side]
            if measured is not None and true is not None:
                row[key] = 100.0 * (measured / true - 1.0)
        rows.append(row)
    return rows
