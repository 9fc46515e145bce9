"""A femur from its traits: primitives, bands of trabecular bone, and the eight landmarks.

Local frame: the head's centre is the origin; axes point laterally, posteriorly and superiorly; the
proximal shaft runs along the third axis.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from bmdpipe.virtual.hip.femur_traits import FemurTraits
from bmdpipe.virtual.hip.mineral import Mineral
from bmdpipe.virtual.shape.primitives import Table, bone_distance, cone, slab
from bmdpipe.virtual.shape.voxelise import STRUT_COLUMNS

SHAFT_LEVELS_MM = np.array([-22.0, -60.0, -100.0, -150.0, -210.0, -280.0])
SHAFT_BOW_MM = np.array([0.0, -0.5, -2.0, -4.5, -7.0, -8.0])
SHAFT_RADIUS_MM = np.array([17.0, 15.0, 14.2, 13.8, 13.8, 14.2])
SHAFT_CORTEX_MM = np.array([3.0, 4.6, 5.4, 6.0, 6.2, 6.2])
SHAFT_CORE = np.array([90.0, 45.0, 15.0, 5.0, 5.0, 5.0])
TROCHANTER_LEVEL_MM = -36.0


Place = Callable[[NDArray], NDArray[np.float64]]


@dataclass(frozen=True)
class Bone:
    """Tables for the voxeliser; `core` tables may be empty."""

    solids: Table
    cuts: Table
    struts: Table


@dataclass(frozen=True)
class Femur:
    """A placed femur (LPS mm): its implicit function, landmarks and lesser trochanter."""

    bone: Bone
    landmarks: dict[str, NDArray[np.float64]]
    lesser_trochanter_mm: NDArray[np.float64]
    shaft_direction: NDArray[np.float64]


def build_femur(traits: FemurTraits, mineral: Mineral, side: str, head_centre_mm: NDArray) -> Femur:
    """The femur of one side with its head at `head_centre_mm`."""
    place = _placement(traits, side)
    centre = np.asarray(head_centre_mm, dtype=float)

    def at(local: NDArray) -> NDArray[np.float64]:
        return centre + place @ np.asarray(local, dtype=float)

    neck = _neck_axis(traits)
    joint = neck * traits.neck_length_mm
    bone = _bone(traits, mineral, at, neck, joint)
    up = np.array([0.0, 0.0, 1.0])
    superior = up - neck * (up @ neck)
    superior /= np.linalg.norm(superior)
    anterior = np.cross(superior, neck)
    anterior *= -np.sign(anterior[1])
    radius = traits.neck_ratio * traits.head_radius_mm
    reach = np.sqrt(traits.head_radius_mm**2 - radius**2) + 2.0
    junction = neck * reach
    landmarks = {
        "head_centre": centre,
        "neck_centre": at(neck * (0.5 * (reach + 0.8 * traits.neck_length_mm))),
    }
    for name, direction in (
        ("superior", superior),
        ("inferior", -superior),
        ("anterior", anterior),
        ("posterior", -anterior),
    ):
        landmarks[f"junction_{name}"] = _surface(bone, at(junction), place @ direction)
    lesser = TROCHANTER_LEVEL_MM * traits.scale
    for name, below in (("shaft_2cm", 20.0), ("shaft_5cm", 50.0)):
        landmarks[name] = at(joint + _shaft_point(traits, lesser - below))
    return Femur(
        bone=bone,
        landmarks=landmarks,
        lesser_trochanter_mm=at(joint + _lesser_apex(traits)),
        shaft_direction=place @ np.array([0.0, 0.0, -1.0]),
    )


def _placement(traits: FemurTraits, side: str) -> NDArray[np.float64]:
    """World directions of the local axes: valgus of the shaft, flexion, turn, and the mirror."""
    turn = Rotation.from_euler(
        "zyx", [traits.rotation_deg, traits.valgus_deg, -traits.flexion_deg], degrees=True
    )
    mirror = np.diag([1.0 if side == "L" else -1.0, 1.0, 1.0])
    return mirror @ turn.as_matrix()


def _neck_axis(traits: FemurTraits) -> NDArray[np.float64]:
    """Unit vector from the head's centre down the neck."""
    inclination, version = np.radians([traits.neck_shaft_deg, traits.anteversion_deg])
    level = np.sin(inclination)
    return np.array([level * np.cos(version), level * np.sin(version), np.cos(inclination)])


def _shaft_point(traits: FemurTraits, level_mm: float) -> NDArray[np.float64]:
    """The shaft's axis at a height relative to where neck and shaft axes meet."""
    bow = np.interp(-level_mm / traits.scale, -SHAFT_LEVELS_MM, SHAFT_BOW_MM) * traits.scale
    return np.array([0.0, bow, level_mm])


def _lesser_apex(traits: FemurTraits) -> NDArray[np.float64]:
    return np.array([-15.5, 14.0, TROCHANTER_LEVEL_MM]) * traits.scale


def _surface(bone: Bone, inside: NDArray, direction: NDArray) -> NDArray[np.float64]:
    """Where a ray from inside the bone leaves it, by bisection to a hundredth of a millimetre."""
    near, far = 0.0, 60.0
    while far - near > 0.005:
        middle = 0.5 * (near + far)
        point = inside + middle * direction
        if bone_distance(bone.solids, bone.cuts, *point) < 0:
            near = middle
        else:
            far = middle
    return inside + near * direction


def _bone(traits: FemurTraits, mineral: Mineral, at: Place, neck: NDArray, joint: NDArray) -> Bone:
    s, head, length = traits.scale, traits.head_radius_mm, traits.neck_length_mm
    t, c = mineral.trabecular, mineral.cortical
    radius = traits.neck_ratio * head
    up = np.array([0.0, 0.0, 1.0])
    superior = up - neck * (up @ neck)
    superior /= np.linalg.norm(superior)
    tall = 0.14 * radius

    def j(x: float, y: float, z: float) -> NDArray[np.float64]:
        return at(joint + s * np.array([x, y, z]))

    great = traits.trochanter_ratio * s
    lesser = at(joint + _lesser_apex(traits))
    parts = [
        cone(at(np.zeros(3)), at(np.zeros(3)), head, head, 2.0, 0.9 * c, 240 * t),
        cone(
            at(neck * 0.25 * length + superior * tall),
            at(neck * 0.92 * length + superior * tall),
            radius - tall, 1.16 * radius, 5.0, 1.1 * c, 150 * t,
        ),
        cone(
            at(neck * 0.25 * length - superior * tall),
            at(neck * 0.95 * length - superior * tall * 2),
            radius - tall, 1.08 * radius, 5.0, 2.7 * c, 150 * t,
        ),
        cone(j(0, 0, 2), j(0, 0, -30), 17.5 * s, 16.5 * s, 8.0, 2.2 * c, 105 * t),
        slab(
            [j(5, 3, 4), j(12, 9, 25), j(15, 1, 2)],
            [14.5 * great, 8.5 * great, 11.5 * great], 8.0, 1.2 * c, 85 * t,
        ),
        cone(j(16, 2, 4), j(9, 1, -30), 10.5 * great, 9.5 * s, 9.0, 1.9 * c, 85 * t),
        cone(j(8, 15, 16), j(-9, 13, -30), 6.0 * great, 7.0 * s, 8.0, 1.5 * c, 90 * t),
        cone(j(-4, 5, -34), lesser, 11.0 * s, 5.5 * s, 9.0, 1.8 * c, 100 * t),
    ]  # fmt: skip
    points = [at(joint + _shaft_point(traits, level * s)) for level in SHAFT_LEVELS_MM]
    radii = SHAFT_RADIUS_MM * s * traits.shaft_ratio
    for k in range(len(points) - 1):
        parts.append(
            cone(
                points[k], points[k + 1], radii[k], radii[k + 1], 4.0,
                SHAFT_CORTEX_MM[k : k + 2].mean() * c, SHAFT_CORE[k : k + 2].mean() * t,
            )
        )  # fmt: skip
    struts = [
        _strut(at(superior * 0.75 * head), j(-11, -1, -14), 5.5 * s, 130 * t),
        _strut(at(neck * 0.3 * length + superior * 0.7 * radius), j(15, 1, -4), 4.0 * s, 45 * t),
        _strut(at(neck * 0.68 * length - superior * 1), at(neck * 0.8 * length), 6.0 * s, -85 * t),
        _strut(j(10, 5, 12), j(8, 4, 4), 8.0 * s, -35 * t),
    ]
    return Bone(np.array(parts), np.empty((0, 16)), np.array(struts).reshape(-1, STRUT_COLUMNS))


def _strut(a: NDArray, b: NDArray, sigma: float, amplitude: float) -> NDArray[np.float64]:
    return np.array([*a, *b, sigma, amplitude])
