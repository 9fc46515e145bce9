"""The femoral shaft's axis and the lesser trochanter on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bmdpipe.densitometry.axis_profile import AxisProfile, across, profile_along, unit
from bmdpipe.densitometry.distance_field import DistanceField

FIRST_GUESS_MM = 35.0
BELOW_TROCHANTER_MM = (15.0, 60.0)
BUMP_LENGTH_MM = 36.0
BELOW_NECK_MM = 10.0
SECTOR_DEG = (25.0, 105.0)
"""Where the lesser trochanter may be: behind the direction to the head, turning to the back."""


@dataclass(frozen=True)
class Shaft:
    """`origin_mm` lies on the axis at the distal end of the bone in the CT, `up` points proximally.

    `trochanter_mm` is the height of the lesser trochanter's tip above the origin, `prominence_mm`
    how far it stands out, `rival` the next highest bump's prominence over its own.
    """

    origin_mm: NDArray[np.float64]
    up: NDArray[np.float64]
    trochanter_mm: float
    prominence_mm: float
    rival: float

    def below_trochanter(self, distance_mm: float) -> NDArray[np.float64]:
        """The axis point some way distal to the lesser trochanter."""
        return self.origin_mm + (self.trochanter_mm - distance_mm) * self.up


def first_axis(
    centroids_mm: NDArray, length_mm: float = FIRST_GUESS_MM
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A line's origin and direction up, through the lowest slices' centroids `[slice, 3]`."""
    height = centroids_mm[:, 2] - centroids_mm[0, 2]
    part = centroids_mm[height <= length_mm]
    return _line(part, centroids_mm[0, 2])


def find_shaft(
    field: DistanceField,
    origin_mm: NDArray,
    up: NDArray,
    head_mm: NDArray,
    neck_axis: NDArray,
    anterior: NDArray,
) -> Shaft:
    """The axis through the sections distal to the lesser trochanter, and that one's height.

    The trochanter is the bump that stands out most behind and medially: what a flat opening along
    the axis takes away, so that the flare towards the neck does not count. It is sought below the
    height where the neck's axis (from the head) comes nearest to the shaft's.
    """
    bottom = origin_mm[2]
    for _ in range(3):
        flat = neck_axis - (neck_axis @ up) * up
        foot = head_mm + ((origin_mm - head_mm) @ flat) / (flat @ flat) * neck_axis
        top = (foot - origin_mm) @ up - BELOW_NECK_MM
        medial = across(up, head_mm - origin_mm)
        s_mm = np.arange(2.0, max(top, 10.0), 1.0)
        profile = profile_along(field, origin_mm, up, medial, s_mm, 72, 40.0)
        behind = np.sign(np.cross(up, medial) @ -anterior) or 1.0
        height, prominence, rival = _trochanter(profile, behind)
        low, high = BELOW_TROCHANTER_MM
        part = (s_mm <= height - low) & (s_mm >= height - high)
        sections = profile.centroids_mm[part]
        sections = sections[np.isfinite(sections).all(axis=1)]
        if len(sections) < 10:
            break
        before = origin_mm
        origin_mm, up = _line(sections, bottom)
        height += float((before - origin_mm) @ up)
    return Shaft(origin_mm, up, height, prominence, rival)


def section_centre(
    field: DistanceField, shaft: Shaft, distance_mm: float, half_mm: float = 4.0
) -> NDArray[np.float64]:
    """The centre of the bone's sections around a height distal to the lesser trochanter.

    Beyond the end of the bone it is the axis' own point.
    """
    middle = shaft.trochanter_mm - distance_mm
    s_mm = np.arange(max(middle - half_mm, 1.0), middle + half_mm + 0.5, 1.0)
    axis_point = shaft.below_trochanter(distance_mm)
    if middle < 1.0:
        return axis_point
    zero = across(shaft.up, np.array([1.0, 0.0, 0.0]))
    profile = profile_along(field, shaft.origin_mm, shaft.up, zero, s_mm, 72, 40.0)
    offsets = profile.centroids_mm - (shaft.origin_mm + s_mm[:, None] * shaft.up)
    offsets = offsets[np.isfinite(offsets).all(axis=1)]
    return axis_point + offsets.mean(axis=0) if len(offsets) else axis_point


def _line(points: NDArray, bottom: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A line x(z), y(z) through points: its point at height `bottom` and its direction up."""
    heights = points[:, 2] - bottom
    slope, offset = np.polyfit(heights, points[:, :2], 1)
    return np.array([*offset, bottom]), unit(np.array([*slope, 1.0]))


def _trochanter(profile: AxisProfile, behind: float) -> tuple[float, float, float]:
    """Height of the bump's tip on the axis, how far it stands out (0 where nothing does), and the
    next bump's share of that."""
    degrees = np.degrees(profile.angles) * behind
    degrees = (degrees + 180) % 360 - 180
    sector = (degrees >= SECTOR_DEG[0]) & (degrees <= SECTOR_DEG[1])
    whole = _longest_run(np.isfinite(profile.radius_mm.sum(axis=1)))
    heights, radius = profile.s_mm[whole], profile.radius_mm[whole]
    if len(heights) < 3:
        return float(profile.s_mm[0]), 0.0, 1.0
    radius = ndimage.gaussian_filter(radius, 1.0, mode=("nearest", "wrap"))[:, sector]
    length = int(BUMP_LENGTH_MM / (heights[1] - heights[0])) | 1
    # Beyond either end the bone is taken to go on as it ends, which makes no bump there.
    bump = radius - ndimage.grey_opening(radius, size=(length, 1), mode="nearest")
    at, column = np.unravel_index(int(np.argmax(bump)), bump.shape)
    prominence = float(bump[at, column])
    if prominence <= 0:
        return float(heights[0]), 0.0, 1.0
    near = np.abs(heights - heights[at])[:, None] <= length / 2
    tip = (bump >= 0.7 * prominence) & near
    weights = bump * tip
    height = float((weights.sum(axis=1) * heights).sum() / weights.sum())
    elsewhere = np.abs(heights - heights[at]) > length / 2
    rival = float(bump[elsewhere].max()) / prominence if elsewhere.any() else 0.0
    return height, prominence, rival


def _longest_run(good: NDArray[np.bool_]) -> slice:
    """Of the sections that are whole; a shaft that is notched at its end still has the rest."""
    pieces, _ = ndimage.label(good)
    runs = [piece[0] for piece in ndimage.find_objects(pieces)]
    return max(runs, key=lambda run: run.stop - run.start, default=slice(0, 0))
