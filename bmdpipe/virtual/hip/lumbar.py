"""The lowest four lumbar vertebrae, L5 to L2: body, pedicles, arch and processes.

Points are (lateral, posterior, superior) mm from the middle of a vertebra's body, end plates level.
Sizes were measured in the CT of the hip bones' form (`hip_bone_form`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from bmdpipe.virtual.hip.mineral import Mineral
from bmdpipe.virtual.hip.pelvis_shape import tilted
from bmdpipe.virtual.hip.pelvis_traits import PelvisTraits
from bmdpipe.virtual.hip.sacrum import middle
from bmdpipe.virtual.shape.bone import Bone
from bmdpipe.virtual.shape.material import STRUT_COLUMNS
from bmdpipe.virtual.shape.primitives import COLUMNS, Table, disc, slab
from bmdpipe.virtual.shape.splines import Points, chain, curve


@dataclass(frozen=True)
class Level:
    """A vertebra: where its body is in the pelvis' frame, how far it leans forward, sizes in mm."""

    centre: tuple[float, float, float]
    lean_deg: float
    half_width: float
    half_depth: float
    half_height: float
    process: tuple[tuple[float, float, float, float], ...]
    """A transverse process: points with radius."""


LEVELS = (
    Level(
        (0, 20, 120.5), 19.0, 26.0, 17.5, 13.0,
        ((18, 14, 5, 7.5), (32, 20, 6, 6.5), (44, 25, 9, 4.5), (53, 28, 12, 3.0)),
    ),
    Level(
        (0, 18.5, 157), 3.0, 25.0, 17.5, 14.5,
        ((18, 19, 4, 4.0), (30, 24, 3, 3.6), (43, 29, 5, 3.2), (54, 33, 8, 2.4)),
    ),
    Level(
        (0, 24.5, 193), -9.0, 24.0, 17.5, 14.5,
        ((17, 19, 4, 4.0), (32, 24, 4, 3.6), (46, 30, 6, 3.2), (57, 34, 9, 2.4)),
    ),
    Level(
        (0, 34, 229), -14.0, 23.0, 17.0, 14.0,
        ((16, 19, 4, 4.0), (30, 24, 4, 3.4), (42, 29, 7, 3.0), (52, 33, 11, 2.4)),
    ),
)  # fmt: skip
PEDICLE = ((13, 10, 6, 6.5), (17, 19, 5, 5.5), (18, 27, 4, 6.0))
LAMINA = ((18, 27, 3, 4.5), (11, 34, -3, 3.8), (3, 40, -8, 3.6))
UPPER_FACET = ((18, 26, 6, 5.0), (20, 26, 14, 5.5), (20, 27, 20, 4.0))
LOWER_FACET = ((17, 28, 0, 4.5), (15, 32, -12, 5.0), (14, 32, -20, 4.5))
SPINE = (
    ((0, 38, -3, 2.8), (0, 66, -9, 3.2), (0, 62, -19, 3.4)),
    ((0, 38, -3, 2.8), (0, 62, -19, 3.4), (0, 40, -14, 2.8)),
)


def build_lumbar(traits: PelvisTraits, mineral: Mineral) -> Bone:
    """The vertebrae as one bone; the discs between them stay open."""
    parts = [_vertebra(traits, mineral, level, 10 * n) for n, level in enumerate(LEVELS)]
    none = np.empty((0, COLUMNS))
    return Bone(np.concatenate(parts), none, np.empty((0, STRUT_COLUMNS)))


def _vertebra(traits: PelvisTraits, mineral: Mineral, level: Level, part: int) -> Table:
    t, c, size = mineral.trabecular, mineral.cortical, traits.thickness
    lean = Rotation.from_euler("x", level.lean_deg, degrees=True).as_matrix()
    centre = middle(traits, np.array([*level.centre, 0.0]))[:3]

    def world(points: Points, sign: float) -> Points:
        local = np.asarray(points, dtype=float) * size
        local[..., 0] *= sign
        where = centre + tilted(traits, local[..., :3] @ lean.T)
        return np.concatenate([where, local[..., 3:]], axis=-1)

    axes = tilted(traits, np.array([[0.0, 0.0, 1.0], [0.0, -1.0, 0.0]]) @ lean.T)
    radii = [level.half_width * size, level.half_depth * size, level.half_height * size]
    rows = [disc(centre, axes[0], axes[1], radii, 3.0, 0.7 * c, 135 * t)]
    spine = world(np.array(SPINE), 1.0)
    rows += [slab(flag[:, :3], flag[:, 3], 2.0, 0.7 * c, 110 * t) for flag in spine]
    tables = [np.array(rows)]
    for sign in (-1.0, 1.0):
        branches = (PEDICLE, LAMINA, UPPER_FACET, LOWER_FACET, level.process)
        for branch, cortex in zip(branches, (1.1, 1.1, 1.0, 1.0, 0.8), strict=True):
            part += 1
            line = curve(world(np.array(branch), sign), 3)
            tables.append(chain(line, part, 3.0, cortex * c, 110 * t))
    return np.concatenate(tables)
