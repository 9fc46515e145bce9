"""What each ray passes: areal masses of soft tissue, bone mineral and metal, in g/cm2."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bmdpipe.core.config.virtual.xray import RadiographConfig
from bmdpipe.core.labels import SIDES
from bmdpipe.core.volume import Volume
from bmdpipe.projection.body import Body
from bmdpipe.projection.density import MM_PER_CM, density_projection
from bmdpipe.projection.joseph import project
from bmdpipe.virtual.hip.anatomy import Anatomy
from bmdpipe.virtual.hip.positioning import Exposure
from bmdpipe.virtual.hip.soft_tissue import Thigh, tissue_fractions
from bmdpipe.virtual.xray.filters import coarser, enlarged
from bmdpipe.virtual.xray.materials import ADIPOSE, METALS, MUSCLE

MG_PER_G = 1000.0
SOFT_BORDER_MM = 270.0
SOFT_PIXEL_MM = 2.9
"""Pixels at the detector on which soft tissue is projected."""


def hard_masses(anatomy: Anatomy, exposure: Exposure) -> NDArray[np.float32]:
    """`[m, y, x]`: apatite, and where the subject has implants also titanium and cobalt-chrome."""
    mineral = bone_mineral(anatomy, exposure)
    if not anatomy.implants:
        return mineral[None]
    masses = [mineral]
    for material in METALS:
        pieces = [
            (piece.share.body, exposure.camera_from_ct[piece.moves_with])
            for piece in anatomy.implants
            if piece.material == material
        ]
        masses.append(density_projection(pieces, exposure.camera) / np.float32(MG_PER_G))
    return np.stack(masses)


def bone_mineral(anatomy: Anatomy, exposure: Exposure) -> NDArray[np.float32]:
    """Bone mineral along each ray, every bone at its own pose."""
    bodies = [(body.body, exposure.camera_from_ct[name]) for name, body in anatomy.bodies.items()]
    return density_projection(bodies, exposure.camera) / np.float32(MG_PER_G)


def soft_masses(
    room: RadiographConfig, anatomy: Anatomy, exposure: Exposure
) -> NDArray[np.float32]:
    """`[2, y, x]`: lean tissue and fat; they are smooth and are projected coarsely."""
    lying = exposure.positioning != "standing"
    thighs = {s: Thigh(anatomy.hip_centres[s], exposure.femur_motion[s]) for s in SIDES}
    step = room.soft_grid_mm
    half_x = 1.12 * exposure.soft.half_width_mm + 70.0
    half_y = exposure.soft.half_depth_mm + 25.0
    size = (
        int(2 * half_x / step),
        int(2 * half_y / step),
        int(2 * SOFT_BORDER_MM / step),
    )
    origin = (-half_x, exposure.soft.centre_y_mm - half_y, -SOFT_BORDER_MM)
    fields = tissue_fractions(exposure.soft, thighs, origin, (step, step, step), size, lying)
    width, height = exposure.camera.size_px
    factor = max(round(SOFT_PIXEL_MM / exposure.camera.spacing_mm[0]), 1)
    masses = np.empty((2, height, width), np.float32)
    for i, (field, tissue) in enumerate(zip(fields, (MUSCLE, ADIPOSE), strict=True)):
        volume = Volume(field, (step, step, step), origin, "fraction")
        small = project(
            Body.from_volume(volume, np.ones(field.shape, bool)),
            coarser(exposure.camera, factor),
            exposure.camera_from_ct["pelvis"],
        )
        masses[i] = enlarged(
            small * np.float32(tissue.density / MM_PER_CM), (height, width), factor
        )
    return np.maximum(masses, np.float32(0.0), out=masses)
