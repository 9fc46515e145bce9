"""The surface of a femur: head, neck, shaft and trochanters as swept sections and a few solids.

Numbers are of a man's femur (scale 1) in mm. They were fitted to the widths and depths of sections
of the right-sized parts in one CT: ACRIN 6664, doi:10.7937/K9/TCIA.2015.NWTESAY1, subject
1.3.6.1.4.1.9328.50.4.0003 (a man of 65): shaft 34.4 wide and 32.8 deep 57 mm below the joint of
axes; greater trochanter 36 mm deep, its tip 37 mm above that joint, its side 31 mm from the axis.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bmdpipe.virtual.hip.femur_frame import BOW_MM, FemurFrame
from bmdpipe.virtual.shape.primitives import Table, cone
from bmdpipe.virtual.shape.sweep import SweepBuilder, Sweeps

LATERAL, BACK, UP = np.eye(3)

SHAFT = np.array(
    [
        # height, half width lateral, medial, half depth posterior, anterior
        [-320.0, 17.5, 17.5, 17.0, 16.5],
        [-260.0, 15.0, 15.0, 15.5, 15.0],
        [-190.0, 14.2, 14.2, 15.0, 14.2],
        [-140.0, 14.4, 14.4, 15.0, 14.2],
        [-100.0, 15.2, 15.2, 15.3, 14.6],
        [-75.0, 16.0, 16.0, 15.8, 15.2],
        [-57.0, 17.0, 17.2, 16.6, 16.0],
        [-42.0, 17.8, 18.4, 17.4, 16.8],
        [-30.0, 19.0, 20.0, 18.2, 17.2],
        [-18.0, 20.2, 21.0, 18.2, 17.2],
        [-8.0, 20.0, 19.5, 17.6, 16.8],
        [2.0, 18.5, 16.5, 16.0, 15.5],
        [8.0, 16.0, 12.0, 13.0, 13.0],
    ]
)
GREATER = np.array(
    [
        # height, centre lateral, posterior, half width lateral, medial, half depth post., anterior
        [-48.0, 1.0, 0.5, 4.0, 4.0, 4.0, 4.0],
        [-38.0, 5.0, 0.7, 8.5, 7.0, 8.0, 8.5],
        [-26.0, 9.0, 1.0, 11.5, 9.0, 11.0, 12.0],
        [-12.0, 13.5, 1.0, 14.5, 11.0, 14.0, 15.5],
        [-2.0, 15.5, 1.0, 15.5, 12.5, 16.5, 17.5],
        [9.0, 15.0, 1.5, 15.0, 12.5, 18.0, 18.0],
        [19.0, 13.0, 2.5, 14.2, 13.0, 17.5, 16.5],
        [25.0, 10.5, 4.0, 13.0, 12.3, 15.8, 14.2],
        [29.5, 8.2, 5.4, 11.2, 10.8, 13.4, 11.5],
        [33.0, 6.4, 6.4, 8.8, 8.6, 10.4, 8.6],
        [35.6, 5.2, 6.9, 6.1, 6.1, 7.2, 5.8],
        [37.2, 4.6, 7.0, 3.3, 3.3, 3.9, 3.2],
        [37.8, 4.5, 7.0, 1.2, 1.2, 1.4, 1.2],
    ]
)
NECK = np.array(
    [
        # share of the length; half heights up and down, half depth: over the neck's half height
        [0.10, 0.90, 0.90, 1.08],
        [0.40, 1.02, 1.02, 1.10],
        [0.55, 0.98, 1.02, 1.00],
        [0.68, 0.97, 1.14, 1.02],
        [0.82, 1.02, 1.42, 1.12],
        [0.95, 1.06, 1.62, 1.24],
        [1.08, 0.95, 1.55, 1.25],
        [1.16, 0.70, 1.20, 1.00],
    ]
)


COLLAR_FROM = 0.15
"""Osteophytes below this are too small to see."""


def head_reach_mm(frame: FemurFrame) -> float:
    """The largest radius of the head about its centre, which the acetabulum has to clear."""
    return frame.traits.head_radius_mm * (1.0 + 0.08 * frame.traits.disease.deformity)


def neck_reach_mm(frame: FemurFrame) -> float:
    """How far down the neck from the head's centre the two meet."""
    t = frame.traits
    radius = t.neck_ratio * t.head_radius_mm
    return float(np.sqrt(t.head_radius_mm**2 - radius**2) + 2.0)


def femur_sweeps(frame: FemurFrame) -> Sweeps:
    """Head, neck, shaft and greater trochanter."""
    t, s = frame.traits, frame.traits.scale
    upright = frame.directions(UP, LATERAL, BACK)
    joint = frame.at(frame.joint)
    parts = SweepBuilder()
    radius, flat = t.head_radius_mm, t.disease.deformity
    wide = head_reach_mm(frame)
    parts.ellipsoid(
        frame.at(np.zeros(3)), frame.directions(*_head_axes()),
        [wide, wide, wide, wide, radius * (1.0 - 0.18 * flat), wide], 2.0,
    )  # fmt: skip
    parts.sweep(
        frame.at(np.zeros(3)), frame.directions(frame.neck, frame.superior, frame.backward),
        _neck_stations(frame), 5.0,
    )  # fmt: skip
    across, deep = s * t.shaft_ratio, s * t.shaft_ratio * t.shaft_depth_ratio
    bow = s * BOW_MM(SHAFT[:, 0])
    shaft = [s * SHAFT[:, 0], 0 * bow, bow, across * SHAFT[:, 1], across * SHAFT[:, 2],
             deep * SHAFT[:, 3], deep * SHAFT[:, 4]]  # fmt: skip
    parts.sweep(joint, upright, np.column_stack(shaft), 7.0)
    great, depth = s * t.trochanter_ratio, s * t.trochanter_depth_ratio
    taller = s * GREATER[:, 0] + t.trochanter_height_mm * np.clip(GREATER[:, 0] / 30.0, 0.0, 1.0)
    greater = [taller, s * GREATER[:, 1], s * GREATER[:, 2], great * GREATER[:, 3],
               great * GREATER[:, 4], depth * GREATER[:, 5], depth * GREATER[:, 6]]  # fmt: skip
    parts.sweep(joint, upright, np.column_stack(greater), 8.0)
    if t.disease.osteophytes > COLLAR_FROM:
        parts.sweep(
            frame.at(np.zeros(3)), frame.directions(frame.neck, frame.superior, frame.backward),
            _collar_stations(frame), 2.0,
        )  # fmt: skip
    return parts.done()


def _head_axes() -> NDArray[np.float64]:
    """The head's bearing direction (up and medial by 20 degrees) and two across."""
    lean = np.radians(20.0)
    bearing = np.array([-np.sin(lean), 0.0, np.cos(lean)])
    return np.array([bearing, np.cross(BACK, bearing), BACK])


def _neck_stations(frame: FemurFrame) -> Table:
    t = frame.traits
    half = t.neck_ratio * t.head_radius_mm
    depth = half * t.neck_depth_ratio * NECK[:, 3]
    nothing = np.zeros(len(NECK))
    return np.column_stack(
        [t.neck_length_mm * NECK[:, 0], nothing, nothing, half * NECK[:, 1], half * NECK[:, 2],
         depth, depth]
    )  # fmt: skip


def _collar_stations(frame: FemurFrame) -> Table:
    """A rim of osteophytes where the head ends, larger below than above."""
    t = frame.traits
    middle = neck_reach_mm(frame) - 3.0
    places = np.array([-7.0, -4.0, -1.5, 0.5, 2.0, 3.5])
    rim = np.sqrt(np.maximum(t.head_radius_mm**2 - (middle + places) ** 2, 1.0))
    rim = np.maximum(rim, 0.93 * t.neck_ratio * t.head_radius_mm)
    bump = 5.0 * t.disease.osteophytes * np.array([-0.2, 0.2, 0.8, 1.0, 0.6, -0.3]) - 0.7
    nothing = np.zeros(len(places))
    return np.column_stack(
        [middle + places, nothing, nothing, rim + 0.7 * bump, rim + bump, rim + 0.5 * bump - 0.8,
         rim + 0.4 * bump - 0.8]
    )  # fmt: skip


def femur_solids(frame: FemurFrame) -> Table:
    """Lesser trochanter, intertrochanteric crest and line. The material says what is in them."""
    s, t = frame.traits.scale, frame.traits
    j = frame.by_joint
    level = t.lesser_level_mm / s
    return np.array(
        [
            cone(j(-9, 7, level + 5), frame.lesser_apex, 12.0 * s, 6.0 * s, 7.0, 0, 0),
            cone(j(-9, 9, level - 13), frame.lesser_apex, 8.0 * s, 4.5 * s, 7.0, 0, 0),
            cone(j(9, 14, 20), j(-9, 13, -20), 6.0 * s, 6.0 * s, 8.0, 0, 0),
            cone(j(9, -12, 8), j(-9, -12, -22), 4.0 * s, 3.5 * s, 7.0, 0, 0),
        ]
    )


def femur_cuts(frame: FemurFrame) -> Table:
    """The trochanteric fossa and the head's fovea."""
    s, t = frame.traits.scale, frame.traits
    j = frame.by_joint
    fovea = 1.15 * t.head_radius_mm * _unit(np.array([-0.93, 0.12, -0.22]))
    return np.array(
        [
            cone(j(-3, 10, 17), j(-9, 14, 30), 6.0 * s, 11.0 * s, 4.0, 0, 0),
            cone(frame.at(fovea), frame.at(fovea), 0.26 * t.head_radius_mm,
                 0.26 * t.head_radius_mm, 3.0, 0, 0),
        ]
    )  # fmt: skip


def _unit(vector: NDArray) -> NDArray[np.float64]:
    return np.asarray(vector / np.linalg.norm(vector), dtype=float)
