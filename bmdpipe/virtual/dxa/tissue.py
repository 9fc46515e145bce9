"""What lies in the DXA beam: areal masses of lean tissue, fat and bone mineral, g/cm2.

Marrow is told apart from muscle here: it is mostly fat, and a DXA scanner takes the fat that it
sees beside the bone for that in it. Source: Gregory et al., "MRI and the distribution of bone
marrow fat in hip osteoarthritis" (abstract read): fat share of the proximal femur by MRI 89.1
(6.7) % in women without osteoarthritis, 77.5 (11.9) % before a hip replacement; 91.2 (6.0) % in
men.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from bmdpipe.core.config.virtual.cohort import VirtualConfig
from bmdpipe.core.config.virtual.dxa import DxaConfig
from bmdpipe.core.labels import SIDES, femur_body
from bmdpipe.geometry.camera import Camera
from bmdpipe.projection.body import Body
from bmdpipe.projection.density import MM_PER_CM, density_projection
from bmdpipe.projection.joseph import project
from bmdpipe.virtual.demographics import stream
from bmdpipe.virtual.dxa.pose import View
from bmdpipe.virtual.hip.anatomy import Anatomy
from bmdpipe.virtual.hip.soft_tissue import Thigh, tissue_fractions
from bmdpipe.virtual.xray.materials import ADIPOSE, APATITE, MUSCLE

MG_PER_G = 1000.0


@dataclass(frozen=True)
class Masses:
    """Areal masses `[h, w]`, g/cm2; `lean` includes what the mineral displaces. `femur` and
    `pelvis` are the mineral of one body each."""

    lean: NDArray[np.float32]
    fat: NDArray[np.float32]
    femur: NDArray[np.float32]
    pelvis: NDArray[np.float32]

    @property
    def mineral(self) -> NDArray[np.float32]:
        return self.femur + self.pelvis


def draw_marrow_fat(config: VirtualConfig, number: int) -> float:
    """Share of fat in the volume of a subject's marrow."""
    z = np.clip(stream(config.seed, number, "marrow").standard_normal(), -2.5, 2.5)
    return float(np.clip(config.dxa.marrow_fat_mean + config.dxa.marrow_fat_sd * z, 0.0, 1.0))


def surroundings(config: DxaConfig, anatomy: Anatomy, view: View) -> Masses:
    """Everything in the beam but the femur."""
    lean, fat = _soft_masses(config, anatomy, view)
    return Masses(lean, fat, np.zeros_like(lean), _pelvis_mineral(anatomy, view))


def with_femur(around: Masses, anatomy: Anatomy, view: View, marrow_fat: float) -> Masses:
    """The femur in its surroundings; marrow fat takes the place of as much volume of muscle."""
    name = femur_body(view.side)
    fine = anatomy.bodies[name]
    shares = Body.from_volume(replace(fine.density, array=fine.fraction, unit="fraction"))
    volume = project(shares, view.camera, view.camera_from_world[name]) / np.float32(MM_PER_CM)
    femur = femur_mineral(anatomy, view)
    marrow = np.maximum(volume - femur / np.float32(APATITE.density), 0.0)
    taken = np.minimum(np.float32(marrow_fat * MUSCLE.density) * marrow, around.lean)
    given = np.float32(marrow_fat * ADIPOSE.density) * marrow
    return Masses(around.lean - taken, around.fat + given, femur, around.pelvis)


def femur_mineral(anatomy: Anatomy, view: View) -> NDArray[np.float32]:
    """The femur's own mineral, g/cm2."""
    name = femur_body(view.side)
    bodies = [(anatomy.bodies[name].body, view.camera_from_world[name])]
    return density_projection(bodies, view.camera) / np.float32(MG_PER_G)


def _pelvis_mineral(anatomy: Anatomy, view: View) -> NDArray[np.float32]:
    """The pelvis' mineral, projected on pixels of twice the size."""
    width, height = view.camera.size_px
    coarse = view.camera.resized((width // 2, height // 2))
    bodies = [(anatomy.bodies["pelvis"].body, view.camera_from_world["pelvis"])]
    small = density_projection(bodies, coarse) / np.float32(MG_PER_G)
    return _resampled(small, coarse, view.camera)


def _soft_masses(
    config: DxaConfig, anatomy: Anatomy, view: View
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Lean tissue and fat of the lying subject, the thigh swung with its femur.

    The beam runs along the body's y axis, so that a sum over voxels is the projection.
    """
    step = config.soft_grid_mm
    camera, head = view.camera, anatomy.femora[view.side].landmarks["head_centre"]
    left, top = (-(p + 0.5) * camera.spacing_mm[0] for p in camera.principal_point_px)
    nx, nz = (int(np.ceil(n * camera.spacing_mm[0] / step)) for n in camera.size_px)
    half_y = anatomy.soft.half_depth_mm + 20.0
    origin = (
        float(head[0] + left + 0.5 * step),
        float(anatomy.soft.centre_y_mm - half_y),
        float(head[2] - top - (nz - 0.5) * step),
    )
    size = (nx, int(2 * half_y / step), nz)
    thighs = {s: anatomy.thigh(s) for s in SIDES}
    thighs[view.side] = Thigh(anatomy.hip_centres[view.side], view.motion)
    fields = tissue_fractions(anatomy.soft, thighs, origin, (step, step, step), size, lying=True)
    coarse = Camera(camera.sdd_mm, (step, step), (nx, nz), (-left / step - 0.5, -top / step - 0.5))
    masses = []
    for field, density in zip(fields, (MUSCLE.density, ADIPOSE.density), strict=True):
        column = field.sum(axis=1, dtype=np.float32)[::-1] * np.float32(density * step / MM_PER_CM)
        masses.append(_resampled(column, coarse, camera))
    return masses[0], masses[1]


def _resampled(picture: NDArray, coarse: Camera, fine: Camera) -> NDArray[np.float32]:
    """A coarse picture on finer pixels, linear between their centres."""
    ratio = fine.spacing_mm[0] / coarse.spacing_mm[0]
    (cu, cv), (fu, fv) = coarse.principal_point_px, fine.principal_point_px
    width, height = fine.size_px
    at = np.meshgrid(
        cv + (np.arange(height) - fv) * ratio, cu + (np.arange(width) - fu) * ratio, indexing="ij"
    )
    return map_coordinates(picture, at, order=1, mode="nearest", output=np.float32)
