"""The eight landmarks of the proximal femur and their file.

Source: Uemura et al. 2022, Arch Osteoporos (definition).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

LANDMARKS = (
    "head_centre",
    "neck_centre",
    "junction_superior",
    "junction_inferior",
    "junction_anterior",
    "junction_posterior",
    "shaft_2cm",
    "shaft_5cm",
)
"""Femoral head and neck centre; the head-neck junction's four extremes; the shaft's centre 2 cm and
5 cm distal to the lesser trochanter."""
JUNCTION = LANDMARKS[2:6]

Landmarks = Mapping[str, NDArray[np.float64]]
"""World points (LPS, mm) by name; always all of `LANDMARKS`."""


def landmarks_to_json(landmarks: Landmarks) -> dict[str, list[float]]:
    return {name: [float(c) for c in landmarks[name]] for name in LANDMARKS}


def landmarks_from_json(raw: Mapping[str, list[float]]) -> dict[str, NDArray[np.float64]]:
    """Raises KeyError if one of the eight is missing."""
    return {name: np.asarray(raw[name], dtype=float) for name in LANDMARKS}
