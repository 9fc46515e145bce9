"""The femoral neck's axis, its narrowest place, and where the head ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bmdpipe.densitometry.axis_profile import AxisProfile, across, profile_along, unit
from bmdpipe.densitometry.distance_field import DistanceField
from bmdpipe.densitometry.head import Head

ROUNDS = 6
NEARLY_NARROWEST = 1.1


@dataclass(frozen=True)
class Neck:
    """`axis` points from the head to the shaft; `profile` starts at the head's centre, angle 0 up.

    `narrowness` is the narrowest section's area over the head's largest; `junction_mm` is how far
    from the head's centre the sphere meets the narrowest neck drawn on towards it. (Where the
    surface first rises off the sphere depends on the fillet between them, and on osteophytes.)
    """

    centre_mm: NDArray[np.float64]
    axis: NDArray[np.float64]
    narrowness: float
    junction_mm: float
    profile: AxisProfile


def find_neck(
    field: DistanceField, head: Head, shaft_mm: NDArray, shaft_up: NDArray
) -> Neck | None:
    """The neck between a head and a shaft axis (a point on it, and its direction up); None if there
    is no narrowing between them."""
    offset = shaft_mm - head.centre_mm
    sideways = offset - (offset @ shaft_up) * shaft_up
    # First guess: a neck-shaft angle of 127 degrees. The sections' centres correct it.
    axis = unit(sideways - np.tan(np.radians(37.0)) * np.linalg.norm(sideways) * shaft_up)
    end = np.linalg.norm(sideways) / np.sin(np.radians(53.0))
    s_mm = np.arange(0.3 * head.radius_mm, max(end - 8.0, 1.2 * head.radius_mm), 1.0)
    for _ in range(ROUNDS):
        profile = profile_along(field, head.centre_mm, axis, across(axis, shaft_up), s_mm)
        area = np.where(profile.s_mm > 0.6 * head.radius_mm, profile.area_mm2, np.nan)
        if not np.isfinite(area).any():
            return None
        narrowest = float(np.nanmin(area))
        narrow = area <= NEARLY_NARROWEST * narrowest
        centre = profile.centroids_mm[narrow].mean(axis=0)
        axis = unit(centre - head.centre_mm)
    return Neck(
        centre_mm=centre,
        axis=axis,
        narrowness=narrowest / (np.pi * head.radius_mm**2),
        junction_mm=float(np.sqrt(max(head.radius_mm**2 - narrowest / np.pi, 0.0))),
        profile=profile,
    )


def junction_points(
    field: DistanceField, head: Head, neck: Neck, up: NDArray, anterior: NDArray
) -> dict[str, NDArray[np.float64]]:
    """The surface points above, below, in front of and behind the axis in the junction's plane."""
    start = head.centre_mm + neck.junction_mm * neck.axis
    superior = across(neck.axis, up)
    forward = np.cross(neck.axis, superior)
    forward = forward if forward @ anterior > 0 else -forward
    directions = np.stack([superior, -superior, forward, -forward])
    reach = field.exits(np.broadcast_to(start, (4, 3)), directions, 45.0)
    names = ("superior", "inferior", "anterior", "posterior")
    return {
        f"junction_{name}": start + distance * direction
        for name, distance, direction in zip(names, reach, directions, strict=True)
    }
