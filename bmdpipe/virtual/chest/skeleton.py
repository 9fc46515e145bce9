"""The bones of the chest as tables of primitives in the mean chest's frame.

Rib paths run along the wall of the thorax and fall towards the front: the bony end of rib n lies
three to five vertebrae below its head. Sizes: rib cortex about 1 mm (Holcombe et al. 2019,
J Anat 235:883: 0.9 to 2.6 mm at its thickest), rib height 12 to 15 mm (recalled, unverified).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from bmdpipe.virtual.chest.thorax import LEVELS_MM, spine_y, wall
from bmdpipe.virtual.chest.traits import Build
from bmdpipe.virtual.shape.primitives import Table, cone, disc, slab
from bmdpipe.virtual.shape.ribbon import ribbon

RIB_FALL_MM = (40.0, 58.0, 78.0, 94.0, 106.0, 115.0, 119.0, 116.0, 108.0, 96.0, 62.0, 38.0)
RIB_END_DEG = (150.0, 150.0, 147.0, 144.0, 140.0, 135.0, 129.0, 121.0, 112.0, 103.0, 76.0, 50.0)
RIB_WIDTH = (0.74, 0.93, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0)
RIB_APEX_MM = 20.0
"""The ribs' cage ends this much above the pleura."""
SPONGY_MG_CM3 = 170.0
UP = np.array([0.0, 0.0, 1.0])


def rib_path(build: Build, rib: int, side: float) -> NDArray[np.float64]:
    """The middle line of a rib from head to bony front end, `[n, 3]`; `rib` counts from 0."""
    level = LEVELS_MM[rib] + 7.0
    head = np.array([side * 17.0, spine_y(level) + 5.0, level])
    tubercle = np.array([side * 31.0, spine_y(level) + 24.0, level + (0.0 if rib else -1.0)])
    points = [head, tubercle]
    for degrees in np.linspace(24.0, RIB_END_DEG[rib], 2 + round((RIB_END_DEG[rib] - 24.0) / 6.5)):
        share = degrees / 140.0
        fall = RIB_FALL_MM[rib] * build.rib_slope * (0.30 * share + 0.70 * share**1.7)
        z = level + 1.0 - fall
        half, front, back = wall(z, RIB_APEX_MM)
        half, front, back = half * RIB_WIDTH[rib] + 5.0, front - 5.0, back + 5.0
        theta = np.radians(degrees)
        middle, deep = 0.5 * (front + back), 0.5 * (back - front)
        # A fuller curve than an ellipse, as the pleura's.
        x = half * np.sin(theta) ** (2 / 2.35)
        y = middle + deep * np.sign(np.cos(theta)) * abs(np.cos(theta)) ** (2 / 2.35)
        points.append(np.array([side * x, y, z]))
    return np.array(points)


def ribs(build: Build) -> list[Table]:
    """A table per rib, right and left in turn."""
    tables = []
    for rib in range(12):
        for side in (-1.0, 1.0):
            path = rib_path(build, rib, side)
            along = np.gradient(path, axis=0)
            along /= np.linalg.norm(along, axis=1, keepdims=True)
            _, front, back = wall(float(path[:, 2].mean()), RIB_APEX_MM)
            outward = path - np.array([0.0, 0.5 * (front + back), 0.0])
            outward[:, 2] = 0.25 * (path[:, 2] - LEVELS_MM[7]) if rib < 2 else 0.0
            if rib == 0:
                outward = outward * 0.35 + UP * 60.0
            across = np.cross(along, outward)
            across /= np.linalg.norm(across, axis=1, keepdims=True) + 1e-9
            place = np.linspace(0.0, 1.0, len(path))
            tall = (2.0 + 1.3 * np.sin(np.pi * place) + 1.2 * place**3) * (1.15 if rib < 1 else 1.0)
            tall *= 0.75 if rib > 9 else 1.0
            thick = (3.3 - 0.5 * place) * (0.8 if rib > 10 else 1.0)
            cortex = 1.0 * build.bone * (1.15 if rib < 1 else 1.0)
            rows = ribbon(path, across, tall, thick, 0.4, cortex, SPONGY_MG_CM3 * build.bone)
            tables.append(np.array(rows))
    return tables


def clavicles(build: Build) -> list[Table]:
    """S-shaped, the inner end thick; arms forward and shoulders down as for a PA radiograph."""
    lift = build.clavicle_lift_mm
    points = [
        (17, -62, 44),
        (42, -72, 49),
        (78, -62, 57),
        (112, -36, 66),
        (138, -12, 75),
        (156, 4, 80),
    ]
    radii = (9.0, 6.4, 5.4, 5.2, 5.8, 6.5)
    tables = []
    for side in (-1.0, 1.0):
        path = np.array([(side * x, y, z + lift * (0.35 + 0.65 * x / 150)) for x, y, z in points])
        path = _smooth(path, 16)
        radius = np.interp(np.linspace(0, 5, 16), np.arange(6), radii)
        cortex = 1.9 * build.bone
        rows = [
            cone(path[i], path[i + 1], radius[i], radius[i + 1], 1.0, cortex, 1.3 * SPONGY_MG_CM3)
            for i in range(15)
        ]
        tables.append(np.array(rows))
    return tables


def scapulae(build: Build) -> list[Table]:
    """Blade, thick lateral border, spine with acromion, coracoid, and the upper humerus."""
    bone, tables = build.bone, []
    for side in (-1.0, 1.0):

        def at(x, y, z, side=side):
            return np.array([side * (x + build.scapula_out_mm), y, z])

        upper, lower, socket = at(92, 84, 72), at(118, 88, -52), at(150, 34, 58)
        rows = [
            slab([upper, lower, socket], [1.6, 2.2, 2.6], 3.0, 0.8 * bone, 160.0),
            cone(lower, socket, 4.0, 6.0, 4.0, 1.2 * bone, 200.0),
            cone(upper, lower, 2.6, 3.0, 4.0, 0.9 * bone, 160.0),
            cone(socket, at(152, 30, 46), 11.0, 10.0, 4.0, 1.0 * bone, 200.0),
        ]
        crest = np.array([at(98, 90, 58), at(130, 82, 74), at(158, 52, 88), at(168, 18, 86)])
        lean = np.array([0.0, 0.75, 0.66])
        rows += ribbon(crest, lean, [3, 6, 6, 4], [2.0, 2.8, 3.5, 4.0], 3.0, 1.0 * bone, 180.0)
        rows.append(cone(at(146, 22, 72), at(140, -8, 66), 6.0, 5.0, 4.0, 1.0 * bone, 180.0))
        ball, neck = at(176, 28, 58), at(184, 26, 34)
        rows.append(cone(ball, neck, 23.0, 17.0, 6.0, 1.0 * bone, 170.0))
        rows.append(cone(neck, at(226, 0, -170), 14.0, 11.0, 6.0, 3.5 * bone, 60.0))
        tables.append(np.array(rows))
    return tables


def axis(build: Build) -> list[Table]:
    """Vertebrae T1 to L1, faint behind heart and vessels, and the manubrium of the sternum."""
    tables = []
    for n, z in enumerate([*LEVELS_MM, -184.0]):
        y = spine_y(z)
        wide, tall = 13.0 + 0.75 * n, 0.5 * (17.0 + 0.75 * n)
        core, shell = 62.0 * build.bone, 0.27 * build.bone
        rows = [disc([0.05, y, z], UP, [0, 1, 0], [wide, 12.5 + 0.4 * n, tall], 3.0, shell, core)]
        for side in (-1.0, 1.0):
            root = [side * (0.66 * wide), y + 10, z + 3.5]
            rows.append(
                cone(root, [side * 0.72 * wide, y + 22, z + 3], 4.2, 4.2, 2.0, 1.8 * shell, core)
            )
            tip = [side * (36.0 - 1.1 * n), y + 31, z + 5]
            rows.append(
                cone([side * 0.8 * wide, y + 21, z + 2], tip, 4.5, 4.2, 3.0, 1.6 * shell, core)
            )
            joint = [side * 12.0, y + 24, z - tall]
            rows.append(
                cone([side * 0.7 * wide, y + 21, z + 2], joint, 4.5, 4.5, 3.0, 1.7 * shell, core)
            )
        rows.append(cone([0, y + 27, z], [0, y + 44, z - 19], 4.2, 3.6, 3.0, 1.8 * shell, core))
        tables.append(np.array(rows))
    thick = [5.5, 5.5, 5.5]
    sternum = [
        slab([(-26, -58, 44), (26, -58, 44), (0, -74, -2)], thick, 3.0, 0.7, 110.0),
        slab([(-15, -74, -2), (15, -74, -2), (0, -103, -112)], [5.0, 5.0, 4.0], 3.0, 0.6, 100.0),
        slab([(-13, -95, -80), (13, -95, -80), (0, -74, -2)], [5.0, 5.0, 4.0], 3.0, 0.6, 100.0),
    ]
    tables.append(np.array(sternum))
    return tables


def _smooth(path: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """A path through given points without corners."""
    return CubicSpline(np.arange(len(path)), path)(np.linspace(0, len(path) - 1, count))
