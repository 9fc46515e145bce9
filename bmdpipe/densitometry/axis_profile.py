"""A bone seen from an axis through it: how far its surface is, along the axis and around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bmdpipe.densitometry.distance_field import DistanceField


def unit(vector: NDArray) -> NDArray[np.float64]:
    """The vector at length one."""
    return np.asarray(vector / np.linalg.norm(vector), dtype=float)


def across(axis: NDArray, towards: NDArray) -> NDArray[np.float64]:
    """The unit vector normal to `axis` that points as much as possible `towards`."""
    return unit(towards - (towards @ axis) * axis)


@dataclass(frozen=True)
class AxisProfile:
    """`radius_mm` `[s, angle]` at `origin + s * axis`; angle 0 looks along `zero`, 90 degrees along
    `axis x zero`. NaN where the axis is outside the bone."""

    origin_mm: NDArray[np.float64]
    axis: NDArray[np.float64]
    zero: NDArray[np.float64]
    s_mm: NDArray[np.float64]
    angles: NDArray[np.float64]
    radius_mm: NDArray[np.float64]

    @property
    def normals(self) -> NDArray[np.float64]:
        """Unit vectors `[angle, 3]` away from the axis."""
        side = np.cross(self.axis, self.zero)
        return np.cos(self.angles)[:, None] * self.zero + np.sin(self.angles)[:, None] * side

    @property
    def area_mm2(self) -> NDArray[np.float64]:
        """Area of each cross-section `[s]`."""
        return np.asarray((self.radius_mm**2).mean(axis=1) * np.pi)

    @property
    def centroids_mm(self) -> NDArray[np.float64]:
        """World centroid of each cross-section `[s, 3]`."""
        moment = (self.radius_mm[..., None] ** 3 * self.normals).mean(axis=1) * 2 * np.pi / 3
        points = self.origin_mm + self.s_mm[:, None] * self.axis
        return np.asarray(points + moment / self.area_mm2[:, None])


def profile_along(
    field: DistanceField,
    origin_mm: NDArray,
    axis: NDArray,
    zero: NDArray,
    s_mm: NDArray,
    angles: int = 48,
    reach_mm: float = 45.0,
) -> AxisProfile:
    """The profile of a bone along a straight axis."""
    turns = np.arange(angles) * 2 * np.pi / angles
    empty = AxisProfile(origin_mm, axis, zero, s_mm, turns, np.empty((len(s_mm), angles)))
    starts = (origin_mm + s_mm[:, None] * axis)[:, None, :]
    radius = field.exits(starts, empty.normals[None], reach_mm)
    return AxisProfile(origin_mm, axis, zero, s_mm, turns, radius)
